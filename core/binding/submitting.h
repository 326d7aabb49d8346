// The steps of `submit` and `run`: preparing the task of a call, and putting it into the pool's queue.
// Requires: attached to home, for every function here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "binding/awaited_task.h"
#include "binding/module_state.h"
#include "binding/submission.h"
#include "pool/pool.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// The first members are like those that `__slots__` creates. So the inherited deallocation drops them, even if a derived
// class has a `__del__`.
struct ExecutorState {
  PyObject* pool;       // a _core.Pool; null until `_bind`
  PyObject* context;    // the context variables that tagged calls carry (carried_context.h), or null
  PyObject* elsewhere;  // an _elsewhere.Elsewhere; null until a call needs it (elsewhere.h)
  Fallback fallback;    // for functions whose tag chooses none
};

[[nodiscard]] ExecutorState& executor_of(const ModuleState& state, PyObject* self) noexcept;

// The pool of the executor. Errors: null with RuntimeError set if pools cannot be used now. Runs Python.
[[nodiscard]] pool::Pool* usable_pool(ModuleState& state, PyObject* self);
// Tells the pool what workers have to follow. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool publish_environment(ModuleState& state, pool::Pool& pool);

// Encodes a tagged call into its task. `context` is the executor's. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool write_call(ModuleState& state, const Submission& call, PyObject* context, pool::Task& task);
// The callable or its arguments cannot cross, for the reason that is set as exception. Makes it the outcome of a future
// whose task is not queued. Errors: false with the exception still set if it is not an ordinary one.
[[nodiscard]] bool refuse(ModuleState& state, PyObject* future);
// The same for an awaited call. Returns the future; null with an exception set.
[[nodiscard]] PyObject* refuse_awaited(const ModuleState& state, py::Ref future);

// Creates the future of a tagged call. If the call cannot cross, the future is already done. Null with an exception set.
[[nodiscard]] py::Ref prepare_for_worker(ModuleState& state, const Submission& call, PyObject* context);
// Creates the future of an untagged call. It holds the callable and its arguments until the call runs.
[[nodiscard]] py::Ref prepare_for_home(ModuleState& state, const Submission& call);
// Queues the task of a prepared future, unless it is done. Returns the future; null with an exception set.
[[nodiscard]] PyObject* enqueue_future(PyObject* self, ModuleState& state, pool::Pool& pool, py::Ref future);

// A call that the running loop awaits, before it is started.
struct AwaitedCall {
  py::Ref bridge;
  py::Ref future;
  AwaitedTaskPtr task;

  // Errors: the members are null, and an exception is set.
  [[nodiscard]] static AwaitedCall prepare(ModuleState& state, AwaitedTask::Cancelling cancelling);
  // Connects the task with its future. Errors: false with an exception set, if the loop has been closed meanwhile.
  [[nodiscard]] bool expect() const;
  // Puts the task into the queue. Returns the future; null with an exception set.
  [[nodiscard]] PyObject* enqueue(PyObject* self, ModuleState& state, pool::Pool& pool);
};

// Starts a call that the running loop awaits. Returns its future; null with an exception set.
[[nodiscard]] PyObject* start_awaited(PyObject* self, ModuleState& state, pool::Pool& pool, PyObject* context,
                                      const Submission& call, AwaitedTask::Cancelling cancelling);

}  // namespace aiointerpreters::binding
