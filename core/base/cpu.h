// Which processors this process and its threads run on.
// Thread: any.
#pragma once

namespace aiointerpreters::base {

// Processors that this process may use, at least 1: those it may run on, or fewer if a cgroup's quota is less, rounded down.
// Reads files, so it is not for hot paths.
[[nodiscard]] unsigned usable_cpus() noexcept;
// The processor that runs the calling thread now; -1 if that is not to be known.
[[nodiscard]] int current_cpu() noexcept;
// Moves the calling thread to another processor that it may use. Its affinity is as before afterwards, so it may be moved
// back.
void leave_cpu(int cpu) noexcept;

}  // namespace aiointerpreters::base
