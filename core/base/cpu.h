// Which processors this process and its threads run on.
// Thread: any.
#pragma once

namespace aiointerpreters::base {

// Number of processors that this process may use, at least 1: those that it may run on, or fewer if a cgroup's quota,
// rounded down, is lower. Reads files, so it is not for hot paths.
[[nodiscard]] unsigned usable_cpus() noexcept;
// The processor that runs the calling thread now; -1 if it is not known.
[[nodiscard]] int current_cpu() noexcept;
// Moves the calling thread to another processor that it may use. Its affinity is restored afterwards, so the scheduler may
// move it back.
void leave_cpu(int cpu) noexcept;

}  // namespace aiointerpreters::base
