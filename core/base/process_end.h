// The end of the process by exit(3), for who may be called by an exit handler or a destructor of something static, and
// cannot go on: the thread that runs these runs the rest of them instead, and the process ends with the status that it was
// to end with. Only glibc has what it takes; elsewhere no thread is ever known to run exit handlers.
// Thread: any.
#pragma once

namespace aiointerpreters::base {

// From now on handlers that exist already run with `runs_exit_handlers` true: the last one that is registered runs first. To
// be called again when there may be new ones.
void watch_for_exit() noexcept;

// Whether the calling thread is in exit(3).
[[nodiscard]] bool runs_exit_handlers() noexcept;

// Requires: runs_exit_handlers().
[[noreturn]] void go_on_with_exit();

}  // namespace aiointerpreters::base
