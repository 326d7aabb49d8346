// Detects the caller of `submit`: `loop.run_in_executor` of the running loop, as in `asyncio.to_thread`, or any other code.
//
// `run_in_executor` passes the result of `submit` only to asyncio's wrap_future. That chains a future of concurrent.futures
// to one of the loop by half a dozen Python functions; a future of the loop it returns unchanged. So a tagged call gets a
// future of the loop immediately, and costs its loop half as much. Code between the two (a subclass's `submit`, a patch of
// an observability tool) gets a future of concurrent.futures as always.
// Requires: attached to home.
#pragma once

#include "binding/module_state.h"

namespace aiointerpreters::binding {

// Requires: a method of the executor was called by the Python code that runs in this thread. Leaves no exception set.
[[nodiscard]] bool is_called_by_running_loop(const ModuleState& home) noexcept;

}  // namespace aiointerpreters::binding
