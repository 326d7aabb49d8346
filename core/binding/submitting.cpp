// See submitting.h.
#include "binding/submitting.h"

#include <utility>

#include "binding/asyncio_bridge.h"
#include "binding/carried_context.h"
#include "binding/future_state.h"
#include "binding/pool_service.h"
#include "binding/pool_type.h"
#include "binding/run_future_type.h"
#include "codec/codec.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

// Queues a prepared task. Errors: false with an exception set; the task is not queued then, or was cancelled.
bool enqueue(PyObject* self, ModuleState& state, pool::Pool& pool, pool::Task& task) {
  if (!publish_environment(state, pool)) return false;
  switch (pool.submit(pool::TaskPtr(&task))) {
    case pool::Pool::Submitted::kQueued:
      return true;
    case pool::Pool::Submitted::kNeedsThread:
      return start_thread(state, self, executor_of(state, self).pool, pool);
    case pool::Pool::Submitted::kRefused:
      break;
  }
  raise_refusal(state, pool, task.lane);
  return false;
}

}  // namespace

ExecutorState& executor_of(const ModuleState& state, PyObject* self) noexcept {
  auto* const type = reinterpret_cast<PyTypeObject*>(state.executor_type.get());
  return *static_cast<ExecutorState*>(PyObject_GetTypeData(self, type));
}

bool publish_environment(ModuleState& state, pool::Pool& pool) {
  if (!state.environment.refresh(state.runtime)) return false;
  const pool::EnvironmentPtr& current = state.environment.current();
  if (current->version != pool.environment().version()) pool.environment().set(current);
  return true;
}

bool refuse(ModuleState& state, PyObject* future) {
  if (!py::is_ordinary_exception()) return false;
  FutureState& data = state_of_future(state, future);
  static_cast<void>(data.task->start());
  show_to_collector(future);
  data.outcome = PyErr_GetRaisedException();
  data.failed = data.resolved = true;
  static_cast<void>(data.task->finish());
  return true;
}

bool write_call(ModuleState& state, const Submission& call, PyObject* context, pool::Task& task) {
  task.callable = call.describe(state);
  if (!task.callable || !codec::encode_call(state.runtime, call.args(), call.nargs(), call.kwnames(), task.message)) {
    return false;
  }
  task.callable_id = task.callable->id;
  if (task.callable->is_coroutine_function) task.lane = pool::Lane::kLoops;
  task.message.needs_main |= task.callable->needs_main;
  PyObject* const declared = call.declared_context();
  if (declared == nullptr && context == nullptr) return true;
  return carry_context(state, call.context(), {context, declared}, task);
}

py::Ref prepare_for_worker(ModuleState& state, const Submission& call, PyObject* context) {
  py::Ref future = make_future(state, reinterpret_cast<PyTypeObject*>(state.future_type.get()), pool::Lane::kInterpreters);
  if (!future) return future;
  hide_from_collector(future.get());
  FutureTask& task = *state_of_future(state, future.get()).task;
  return write_call(state, call, context, task) || refuse(state, future.get()) ? std::move(future) : py::Ref();
}

py::Ref prepare_for_home(ModuleState& state, const Submission& call) {
  py::Ref future = make_future(state, reinterpret_cast<PyTypeObject*>(state.future_type.get()), pool::Lane::kHome);
  if (!future) return future;
  FutureState& data = state_of_future(state, future.get());
  const Py_ssize_t named = call.kwnames() == nullptr ? 0 : PyTuple_GET_SIZE(call.kwnames());
  const Py_ssize_t arguments = call.nargs() + named;
  data.call = PyTuple_New(1 + arguments);
  if (data.call == nullptr) return {};
  PyTuple_SET_ITEM(data.call, 0, Py_NewRef(call.fn()));
  for (Py_ssize_t i = 0; i < arguments; ++i) PyTuple_SET_ITEM(data.call, 1 + i, Py_NewRef(call.args()[i]));
  if (named > 0) data.kwnames = Py_NewRef(call.kwnames());
  data.task->hold(future.get());
  return future;
}

PyObject* enqueue_future(PyObject* self, ModuleState& state, pool::Pool& pool, py::Ref future) {
  if (!future) return nullptr;
  FutureTask& task = *state_of_future(state, future.get()).task;
  if (task.done()) return future.release();  // done: its arguments cannot cross
  task.queued = true;
  if (enqueue(self, state, pool, task)) return future.release();
  py::Ref error = py::take_exception();
  task.settle_at_home(pool::Task::Change::kQuiet);
  py::restore_exception(std::move(error));
  return nullptr;
}

pool::Pool* usable_pool(ModuleState& state, PyObject* self) {
  PyObject* object = executor_of(state, self).pool;
  if (object != nullptr && !is_here(state, object)) {
    if (!py::Ref::steal(PyObject_CallMethod(self, "_renew", nullptr))) return nullptr;
    object = executor_of(state, self).pool;
  }
  pool::Pool* const pool = object == nullptr ? nullptr : pool_in(state, object).get();
  if (pool == nullptr)
    PyErr_SetString(PyExc_RuntimeError, "the executor is not initialized: a subclass must call super().__init__()");
  if (pool != nullptr && state.exiting) {
    PyErr_SetString(PyExc_RuntimeError, kInterpreterShutdown);
    return nullptr;
  }
  return pool != nullptr && may_use_pools(state) ? pool : nullptr;
}

PyObject* refuse_awaited(const ModuleState& state, py::Ref future) {
  if (!py::is_ordinary_exception()) return nullptr;
  const py::Ref error = py::take_exception();
  const py::Ref told =
      py::Ref::steal(PyObject_CallMethodOneArg(future.get(), state.asyncio.names.set_exception.get(), error.get()));
  return told ? future.release() : nullptr;
}

AwaitedCall AwaitedCall::prepare(ModuleState& state, AwaitedTask::Cancelling cancelling) {
  AwaitedCall call;
  call.bridge = running_bridge(state);
  if (!call.bridge) return {};
  const bool by_run = cancelling == AwaitedTask::Cancelling::kStops;
  const py::Ref& type = by_run ? state.asyncio.run_coroutine_type : state.asyncio.run_future_type;
  call.future = make_run_future(type, bridge_in(call.bridge).loop_keyword());
  if (!call.future) return {};
  call.task = AwaitedTask::make(state, cancelling);
  return call;
}

bool AwaitedCall::expect() const {
  if (bridge_in(bridge).loop() != nullptr) return task->expect(bridge_in(bridge), future.get());
  PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");  // encoding has run Python code, which may have closed it
  return false;
}

PyObject* AwaitedCall::enqueue(PyObject* self, ModuleState& state, pool::Pool& pool) {
  if (py::guarded(false, [&] { return binding::enqueue(self, state, pool, *task); })) return future.release();
  py::Ref error = py::take_exception();
  task->forget();
  py::restore_exception(std::move(error));
  return nullptr;
}

PyObject* start_awaited(PyObject* self, ModuleState& state, pool::Pool& pool, PyObject* context, const Submission& call,
                        AwaitedTask::Cancelling cancelling) {
  AwaitedCall awaited = AwaitedCall::prepare(state, cancelling);
  if (!awaited.task) return nullptr;
  if (!write_call(state, call, context, *awaited.task)) return refuse_awaited(state, std::move(awaited.future));
  return awaited.expect() ? awaited.enqueue(self, state, pool) : nullptr;
}

}  // namespace aiointerpreters::binding
