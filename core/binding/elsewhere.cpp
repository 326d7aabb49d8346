// See elsewhere.h.
#include "binding/elsewhere.h"

#include <utility>

#include "binding/carried_context.h"
#include "binding/future_state.h"
#include "binding/moved_call.h"
#include "binding/pool_service.h"
#include "binding/spare.h"
#include "binding/submitting.h"
#include "codec/callable_table.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

using Place = HomeTask::Place;

// The executor's Elsewhere. Returns new; null with an exception set. Runs Python.
py::Ref elsewhere_of(PyObject* self, const ModuleState& state) {
  if (PyObject* const known = executor_of(state, self).elsewhere; known != nullptr) return py::Ref::borrow(known);
  return py::Ref::steal(PyObject_CallMethod(self, "_open_elsewhere", nullptr));
}

// Functions with the same key are moved together (docs/fallback.md). Returns new; null with an exception set. Runs Python.
py::Ref key_of(PyObject* fn, const py::Ref& elsewhere) {
  if (PyMethod_Check(fn)) fn = PyMethod_GET_FUNCTION(fn);
  if (PyType_Check(fn)) return py::Ref::borrow(fn);
  if (!PyFunction_Check(fn)) return py::Ref::steal(PyObject_CallMethod(elsewhere.get(), "key_of", "(O)", fn));
  const py::Ref name = py::Ref::steal(PyObject_GetAttrString(fn, "__qualname__"));
  const py::Ref module = py::Ref::steal(PyObject_GetAttrString(fn, "__module__"));
  if (!name || !module) return {};
  return py::Ref::steal(PyTuple_Pack(3, PyFunction_GET_CODE(fn), name.get(), module.get()));
}

// The keyword arguments as a dict, or None. Returns new.
py::Ref keywords_of(const Submission& call) {
  const Py_ssize_t named = call.kwnames() == nullptr ? 0 : PyTuple_GET_SIZE(call.kwnames());
  if (named == 0) return py::Ref::borrow(Py_None);
  py::Ref keywords = py::Ref::steal(PyDict_New());
  for (Py_ssize_t i = 0; keywords && i < named; ++i) {
    if (PyDict_SetItem(keywords.get(), PyTuple_GET_ITEM(call.kwnames(), i), call.args()[call.nargs() + i]) < 0) return {};
  }
  return keywords;
}

// A call on its way, and the place that is decided so far.
struct Route {
  py::Ref elsewhere;
  py::Ref spare;
  Place place = Place::kLane;
  Place other = Place::kThread;  // if no interpreter can run it
  bool is_plain = false;         // in a thread, it is a call of the function itself
  bool is_coroutine = false;
};

// Makes the spare (spare.h). Errors: false with an exception set. Runs Python.
bool make_spare(PyObject* self, ModuleState& state, const Submission& call, bool in_rows, Route& route) {
  const ExecutorState& executor = executor_of(state, self);
  const py::Ref key = key_of(call.fn(), route.elsewhere);
  const py::Ref args = py::Ref::steal(PyTuple_New(call.nargs()));
  const py::Ref keywords = keywords_of(call);
  if (!key || !args || !keywords) return false;
  for (Py_ssize_t i = 0; i < call.nargs(); ++i) PyTuple_SET_ITEM(args.get(), i, Py_NewRef(call.args()[i]));
  route.is_coroutine = codec::is_coroutine_function(state.runtime, call.fn());
  const bool has_variables = executor.context != nullptr || call.declared_context() != nullptr;
  py::Ref context = py::Ref::borrow(call.context() == nullptr ? Py_None : call.context());
  py::Ref values = py::Ref::borrow(Py_None);
  if (has_variables) {
    bool needs_main = false;
    if (context.get() == Py_None) context = py::Ref::steal(PyContext_CopyCurrent());
    if (context) values = read_context(context.get(), {executor.context, call.declared_context()}, needs_main);
    if (!values) return false;
  }
  route.is_plain = !in_rows && !route.is_coroutine && context.get() == Py_None;
  route.spare =
      py::Ref::steal(PyTuple_Pack(kSpareItems, route.elsewhere.get(), route.other == Place::kProcess ? Py_True : Py_False,
                                  key.get(), call.fn(), args.get(), keywords.get(), in_rows ? Py_True : Py_False,
                                  route.is_coroutine ? Py_True : Py_False, context.get(), values.get()));
  return static_cast<bool>(route.spare);
}

// Decides where the call runs, unless its function has not been tried yet. Errors: false with an exception set.
bool find_route(PyObject* self, ModuleState& state, const Submission& call, bool in_rows, Route& route) {
  const Routing routing = routing_of(state, self, call);
  route.elsewhere = elsewhere_of(self, state);
  route.other = routing.in_process || routing.fallback == Fallback::kProcess ? Place::kProcess : Place::kThread;
  if (!route.elsewhere || !make_spare(self, state, call, in_rows, route)) return false;
  if (routing.in_process) route.place = Place::kProcess;
  if (routing.in_process) return true;
  const py::Ref moved = py::Ref::steal(
      PyObject_CallMethod(route.elsewhere.get(), "is_moved", "(O)", spare_item(route.spare.get(), SpareItem::kKey)));
  if (moved && moved.get() == Py_True) route.place = route.other;
  return static_cast<bool>(moved);
}

// The call cannot cross, for the reason that is set as exception. Decides that its function is moved. Errors: false with an
// exception set.
bool move_function(Route& route) {
  const py::Ref error = py::take_exception();
  const py::Ref noted =
      py::Ref::steal(PyObject_CallMethod(route.elsewhere.get(), "move_function", "OO", route.spare.get(), error.get()));
  route.place = route.other;
  return static_cast<bool>(noted);
}

// Whether the pool takes calls. Errors: false with the exception that submit raises.
bool is_open(ModuleState& state, const pool::Pool& pool) {
  if (!pool.is_closed() && !pool.broken(pool::Lane::kHome)) return true;
  raise_refusal(state, pool, pool::Lane::kHome);
  return false;
}

// Passes the task to the executor's Elsewhere. Runs Python. Errors: false with an exception set; the task has ended then.
bool start(ModuleState& state, HomeTask& task, const Route& route) {
  task.place = route.place;
  const py::Ref moved = make_moved_call(state, task, route.spare.get(), nullptr);
  return moved && start_moved(moved, "start");
}

// A thread cannot be stopped, so this is an ordinary call of home.
PyObject* submit_to_thread(PyObject* self, ModuleState& state, pool::Pool& pool, const Submission& call,
                           const Route& route) {
  if (route.is_plain) return enqueue_future(self, state, pool, prepare_for_home(state, call));
  const py::Ref invoke = py::Ref::steal(PyObject_GetAttrString(route.elsewhere.get(), "invoke"));
  if (!invoke) return nullptr;
  PyObject* const spare = route.spare.get();
  return enqueue_future(self, state, pool, prepare_for_home(state, Submission(invoke.get(), &spare, 1, nullptr)));
}

// A process or a coroutine can be stopped.
PyObject* submit_stoppable(ModuleState& state, const pool::Pool& pool, const Route& route) {
  if (!is_open(state, pool)) return nullptr;
  py::Ref future = make_future(state, reinterpret_cast<PyTypeObject*>(state.future_type.get()), pool::Lane::kInterpreters);
  if (!future) return nullptr;
  hide_from_collector(future.get());
  FutureTask& task = *state_of_future(state, future.get()).task;
  task.queued = true;
  return start(state, task, route) ? future.release() : nullptr;
}

}  // namespace

Routing routing_of(const ModuleState& state, PyObject* self, const Submission& call) noexcept {
  return call.routing().or_else(executor_of(state, self).fallback);
}

PyObject* submit_flexibly(PyObject* self, ModuleState& state, pool::Pool& pool, const Submission& call, bool in_rows) {
  Route route;
  if (!find_route(self, state, call, in_rows, route)) return nullptr;
  if (route.place == Place::kLane) {
    py::Ref future = make_future(state, reinterpret_cast<PyTypeObject*>(state.future_type.get()), pool::Lane::kInterpreters);
    if (!future) return nullptr;
    hide_from_collector(future.get());
    FutureTask& task = *state_of_future(state, future.get()).task;
    if (write_call(state, call, executor_of(state, self).context, task)) {
      task.in_rows = in_rows;
      task.keep_spare(route.spare.get());
      return enqueue_future(self, state, pool, std::move(future));
    }
    if (!py::is_ordinary_exception()) return nullptr;
    if (!move_function(route)) return refuse(state, future.get()) ? future.release() : nullptr;
  }
  return route.place == Place::kThread && !route.is_coroutine ? submit_to_thread(self, state, pool, call, route)
                                                              : submit_stoppable(state, pool, route);
}

PyObject* start_awaited_flexibly(PyObject* self, ModuleState& state, pool::Pool& pool, const Submission& call,
                                 AwaitedTask::Cancelling cancelling) {
  Route route;
  if (!find_route(self, state, call, false, route)) return nullptr;
  AwaitedCall awaited = AwaitedCall::prepare(state, cancelling);
  if (!awaited.task) return nullptr;
  if (route.place == Place::kLane) {
    if (write_call(state, call, executor_of(state, self).context, *awaited.task)) {
      awaited.task->keep_spare(route.spare.get());
      return awaited.expect() ? awaited.enqueue(self, state, pool) : nullptr;
    }
    if (!py::is_ordinary_exception()) return nullptr;
    if (!move_function(route)) return refuse_awaited(state, std::move(awaited.future));
    awaited.task = AwaitedTask::make(state, cancelling);
  }
  if (!is_open(state, pool) || !awaited.expect()) return nullptr;
  const AwaitedTaskPtr task = awaited.task;
  if (start(state, *task, route)) return awaited.future.release();
  py::Ref error = py::take_exception();
  task->forget();
  py::restore_exception(std::move(error));
  return nullptr;
}

}  // namespace aiointerpreters::binding
