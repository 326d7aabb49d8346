// The end of the process by exit(3), for code that an exit handler or a static object's destructor may call, and that
// cannot return. Instead, its thread runs the remaining handlers, and the process ends with its intended status. Only glibc
// makes this possible. On other systems `runs_exit_handlers` is always false.
// Thread: any.
#pragma once

namespace aiointerpreters::base {

// From now on `runs_exit_handlers` is true while existing handlers run, because the handler that was registered last runs
// first. Call it again when there may be new handlers.
void watch_for_exit() noexcept;

// Whether the calling thread is in exit(3).
[[nodiscard]] bool runs_exit_handlers() noexcept;

// Requires: runs_exit_handlers().
[[noreturn]] void go_on_with_exit();

}  // namespace aiointerpreters::base
