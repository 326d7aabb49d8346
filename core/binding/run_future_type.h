// `_core.RunFuture`: what `executor.run` returns. It is an asyncio.Future, so that gather and others need no task for it, and
// a coroutine as far as create_task and TaskGroup ask for one.
// Requires: attached to home, on the loop's thread, for every function here.
#pragma once

#include "binding/awaited_task.h"
#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// The native part. It needs no finalizer: a future with a task is held by that.
struct RunFutureState {
  AwaitedTask* task;  // while it is outstanding
};

[[nodiscard]] RunFutureState& state_of_run_future(PyObject* future) noexcept;

// Makes the type; `base` is asyncio.Future. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_run_future_type(PyObject* module, PyObject* base);

// Returns new: a pending future of that loop. Null with an exception set.
[[nodiscard]] py::Ref make_run_future(const ModuleState& home, PyObject* loop);

}  // namespace aiointerpreters::binding
