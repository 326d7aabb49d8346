// Finds out who calls `submit`: `loop.run_in_executor` of the running loop (also for `asyncio.to_thread`), or any other
// code.
//
// `run_in_executor` passes the result of `submit` only to asyncio's wrap_future. If the result is a future of
// concurrent.futures, wrap_future creates a future of the loop and connects the two, which takes half a dozen Python
// functions. If it is a future of the loop, wrap_future returns it unchanged. So `submit` returns a future of the loop for
// such a tagged call, which halves the cost for the loop. If other code is in between (a subclass's `submit`, a patch by an
// observability tool), `submit` returns a future of concurrent.futures as usual.
// Requires: attached to home.
#pragma once

#include "binding/module_state.h"

namespace aiointerpreters::binding {

// Requires: the Python code that runs in this thread has called a method of the executor. Leaves no exception set.
[[nodiscard]] bool is_called_by_running_loop(const ModuleState& home) noexcept;

}  // namespace aiointerpreters::binding
