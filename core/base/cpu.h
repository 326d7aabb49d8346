// Which processors this process and its threads run on.
// Thread: any.
#pragma once

namespace aiointerpreters::base {

// The number of processors that this process may use, at least 1. A cgroup's quota, rounded down, limits the number. Reads
// files, so do not call it often.
[[nodiscard]] unsigned usable_cpus() noexcept;
// The processor that runs the calling thread now; -1 if it is not known.
[[nodiscard]] int current_cpu() noexcept;
// Moves the calling thread to another processor that it may use. Its affinity is restored afterwards, so the scheduler may
// move it back.
void leave_cpu(int cpu) noexcept;

}  // namespace aiointerpreters::base
