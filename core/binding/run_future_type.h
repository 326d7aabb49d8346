// `_core.RunFuture`: the return value of `executor.run` while an event loop runs. It is an asyncio.Future, so gather and
// others need no task for it. It is also a coroutine, for callers that need one (create_task, TaskGroup,
// run_coroutine_threadsafe).
//
// asyncio tells coroutines from futures by type, and `asyncio.wait` accepts only futures that are not coroutines. So there
// are two types with the same name and layout. `run` creates an object of the derived type, which has all methods of a
// collections.abc.Coroutine. When code asks whether it is a future (`isfuture`, as in ensure_future and gather), its type
// becomes the base, which has no `close` and is therefore not a coroutine.
// Requires: attached to home, on the loop's thread, for every function here.
#pragma once

#include "binding/awaited_task.h"
#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// The native part. It needs no finalizer, because a task holds its future.
struct RunFutureState {
  AwaitedTask* task;      // while the call is outstanding
  HomeTask::Place place;  // where the call ran, once it has ended; kLane: in an interpreter
  bool is_driven;         // a task has run it as its coroutine; never reset
};

[[nodiscard]] RunFutureState& state_of_run_future(const ModuleState& home, PyObject* future) noexcept;

// Creates the base type. `base` is asyncio.Future. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_run_future_type(PyObject* module, PyObject* base);
// Creates the derived type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_run_coroutine_type(PyObject* module, PyObject* base);

// Returns new: a pending future of that type, for the loop in `loop_keyword` (AsyncioBridge). Null with an exception set.
[[nodiscard]] py::Ref make_run_future(const py::Ref& type, PyObject* loop_keyword);

}  // namespace aiointerpreters::binding
