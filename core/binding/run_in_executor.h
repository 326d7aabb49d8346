// Who calls `submit`: `loop.run_in_executor` of the running loop, as `asyncio.to_thread` does, or anybody else.
//
// `run_in_executor` hands what `submit` returns to asyncio's wrap_future and to nobody else. That chains a future of
// concurrent.futures to one of the loop by half a dozen Python functions; what is a future of the loop already it returns as
// it is. So a tagged call gets one at once, and costs its loop half as much. Whoever comes between the two (a subclass's
// `submit`, a patch of an observability tool) gets a future of concurrent.futures as ever.
// Requires: attached to home.
#pragma once

#include "binding/module_state.h"

namespace aiointerpreters::binding {

// Requires: a method of the executor was called by the Python code that runs in this thread. Leaves no exception set.
[[nodiscard]] bool is_called_by_running_loop(const ModuleState& home) noexcept;

}  // namespace aiointerpreters::binding
