// See future_state.h.
#include "binding/future_state.h"

#include <memory>
#include <string>
#include <utility>

#include "binding/asyncio_bridge.h"
#include "binding/outcome.h"
#include "py/context_copy.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

using State = pool::Task::State;

bool has_failed(const FutureState& state) noexcept {
  return state.failed || (state.task->outcome != pool::Task::Outcome::kAtHome && binding::has_failed(*state.task));
}

// Calls a method of a condition or waiter. An Exception is reported. False with the exception set if it is of another kind.
bool tell(PyObject* object, const char* method, PyObject* argument) {
  py::Ref name = py::Ref::steal(PyUnicode_FromString(method));
  py::Ref done = name ? py::Ref::steal(PyObject_CallMethodObjArgs(object, name.get(), argument, nullptr)) : py::Ref();
  if (done) return true;
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) return false;
  PyErr_WriteUnraisable(object);
  return true;
}

// Notifies the waiters of wait() and as_completed(). Errors: as tell.
bool tell_waiters(PyObject* future, const FutureState& state) {
  if (state.waiters == nullptr) return true;
  const char* method = state.task->state() == State::kCancelled ? "add_cancelled"
                       : has_failed(state)                      ? "add_exception"
                                                                : "add_result";
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(state.waiters); ++i) {
    py::Ref waiter = py::Ref::borrow(PyList_GET_ITEM(state.waiters, i));
    if (!tell(waiter.get(), method, future)) return false;
  }
  return true;
}

}  // namespace

void FutureTask::run_at_home() {
  py::Ref future = py::Ref::borrow(future_);
  if (!future) return;
  FutureState& state = state_of_future(home(), future.get());
  py::Ref call = py::Ref::steal(std::exchange(state.call, nullptr));
  py::Ref kwnames = py::Ref::steal(std::exchange(state.kwnames, nullptr));
  const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames.get()) : 0;
  const Py_ssize_t positional = PyTuple_GET_SIZE(call.get()) - 1 - named;
  PyObject** const items = PySequence_Fast_ITEMS(call.get());
  PyObject* result = PyObject_Vectorcall(items[0], items + 1, static_cast<std::size_t>(positional), kwnames.get());
  state.failed = result == nullptr;
  state.outcome = state.failed ? PyErr_GetRaisedException() : result;
  state.resolved = true;
  outcome = pool::Task::Outcome::kAtHome;
  if (delivery_requested()) return;
  // No code waits for delivery, so the worker need not come back to home. Code that requests delivery later holds the
  // future itself.
  future_ = nullptr;
  Py_DECREF(future.get());
  has_left_home = true;
}

bool FutureTask::expect_by(AsyncioBridge& bridge) {
  bridge.expect(*this);
  if (request_mail(bridge.mailbox()).open()) return true;
  AsyncioBridge::forget(*this);
  return false;
}

void FutureTask::settle_at_home(Change how) {
  if (how == Change::kMail) return HomeTask::settle_at_home(how);
  AsyncioBridge::forget(*this);
  py::Ref future = py::Ref::steal(std::exchange(future_, nullptr));
  if (!future) return;
  FutureState& data = state_of_future(home(), future.get());
  Py_CLEAR(data.call);  // still set if the call never ran
  Py_CLEAR(data.kwnames);
  if (how == Change::kDeliver && !deliver(home(), future.get(), data)) {
    log_exception(home(), "critical", "Exception in worker", nullptr);
  }
}

bool FutureTask::arrive() {
  settle_at_home(Change::kDeliver);
  return true;
}

void FutureTask::lose_loop() {
  const py::Ref future = py::Ref::borrow(future_);
  FutureState& data = state_of_future(home(), future.get());
  if (data.finalized) Py_CLEAR(data.callbacks);  // its only callback is for the loop, which is garbage too
  begin_delivery(future.get(), data);
  if (shown().state >= State::kFinished) settle_at_home(Change::kDeliver);  // the end was on its way to the loop
}

void FutureTask::cancel_at_home() {
  py::Ref future = py::Ref::borrow(future_);
  if (!future) {  // no code at home waits for delivery
    static_cast<void>(Task::cancel());
  } else if (binding::cancel(home(), future.get(), state_of_future(home(), future.get())) < 0) {
    log_exception(home(), "critical", "Exception in callback", nullptr);
  }
  settle_at_home(notify_cancelled());
}

void log_exception(const ModuleState& home, const char* method, const char* format, PyObject* subject) {
  py::Ref error = py::take_exception();
  py::Ref logged = py::Ref::steal(PyObject_GetAttrString(home.logger.get(), method));
  py::Ref args = py::Ref::steal(subject != nullptr ? Py_BuildValue("(sO)", format, subject) : Py_BuildValue("(s)", format));
  py::Ref kwargs = py::Ref::steal(Py_BuildValue("{sO}", "exc_info", error.get()));
  if (logged && args && kwargs) logged = py::Ref::steal(PyObject_Call(logged.get(), args.get(), kwargs.get()));
  if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(home.logger.get());
}

FutureState& state_of_future(const ModuleState& home, PyObject* future) noexcept {
  return *static_cast<FutureState*>(PyObject_GetTypeData(future, reinterpret_cast<PyTypeObject*>(home.future_type.get())));
}

py::Ref make_future(ModuleState& home, PyTypeObject* type, pool::Lane lane) {
  base::IntrusivePtr<FutureTask> task(std::make_unique<FutureTask>(lane, home).release());
  py::Ref future = py::Ref::steal(type->tp_alloc(type, 0));
  if (future) std::construct_at(&state_of_future(home, future.get()).task, std::move(task));
  return future;
}

py::Ref take_call(ModuleState& home, FutureTask& task) {
  const py::Ref future = task.release_future();
  FutureState& state = state_of_future(home, future.get());
  const py::Ref call = py::Ref::steal(std::exchange(state.call, nullptr));
  const py::Ref kwnames = py::Ref::steal(std::exchange(state.kwnames, nullptr));
  const Py_ssize_t size = PyTuple_GET_SIZE(call.get());
  const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames.get()) : 0;
  const py::Ref args = py::Ref::steal(PyTuple_GetSlice(call.get(), 1, size - named));
  const py::Ref kwargs = py::Ref::steal(PyDict_New());
  if (!args || !kwargs) return {};
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* const value = PyTuple_GET_ITEM(call.get(), size - named + i);
    if (PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(kwnames.get(), i), value) < 0) return {};
  }
  return py::Ref::steal(PyTuple_Pack(4, future.get(), PyTuple_GET_ITEM(call.get(), 0), args.get(), kwargs.get()));
}

void leave_to_parent(ModuleState& home, FutureState& state) noexcept {
  pool::Task& task = *state.task;
  if (task.done()) {
    static_cast<void>(task.show());  // the thread that was about to show it may not exist here
    return;
  }
  try {
    // A new task is used, because the workers' half of the old one may be in any state, and will never be finished.
    base::IntrusivePtr<FutureTask> ended(std::make_unique<FutureTask>(task.lane, home).release());
    static_cast<void>(ended->end_broken(std::make_shared<const pool::Breakage>(
        pool::Breakage{"the call was submitted before the fork, so it runs only in the parent process", {}})));
    state.task = std::move(ended);
  } catch (const std::bad_alloc&) {
    return;
  }
  Py_CLEAR(state.call);
  Py_CLEAR(state.kwnames);
}

void begin_delivery(PyObject* future, FutureState& state) {
  FutureTask& task = *state.task;
  if (task.delivery_requested()) return;
  show_to_collector(future);
  // A task of home holds its future until it has run, and a mailed task since mail was requested. Any other task must hold
  // it before delivery is requested, because a worker may settle it immediately.
  const bool held_now = task.queued && !task.mailbox && (task.lane != pool::Lane::kHome || task.has_left_home);
  if (held_now) task.hold(future);
  const pool::Task::Standing standing = task.request_delivery();
  if (held_now && !standing.open()) task.settle_at_home(pool::Task::Change::kQuiet);  // no other thread will do this
}

bool add_callback_of_loop(ModuleState& home, PyObject* future, FutureState& state, PyObject* callback) {
  FutureTask& task = *state.task;
  if (task.delivery_requested() || state.callbacks != nullptr || task.mailbox || !task.queued ||
      task.lane == pool::Lane::kHome)
    return false;
  const py::Ref bridge = bridge_of_callback(home, callback);
  py::Ref callbacks = bridge ? py::Ref::steal(PyList_New(1)) : py::Ref();
  // Finding the bridge has run Python, so everything is checked again. From here on no Python runs.
  if (!callbacks || task.delivery_requested() || state.callbacks != nullptr || task.mailbox ||
      bridge_in(bridge).loop() == nullptr) {
    return false;
  }
  PyList_SET_ITEM(callbacks.get(), 0, Py_NewRef(callback));
  state.callbacks = callbacks.release();
  show_to_collector(future);
  task.hold(future);
  if (task.expect_by(bridge_in(bridge))) return true;
  Py_CLEAR(state.callbacks);
  task.settle_at_home(pool::Task::Change::kQuiet);
  return false;
}

const char* shown_state_name(const FutureState& state) noexcept {
  const pool::Task::Standing shown = state.task->shown();
  switch (shown.state) {
    case State::kPending:
      return "PENDING";
    case State::kRunning:
      return "RUNNING";
    case State::kFinished:
      return "FINISHED";
    case State::kCancelled:
      break;
  }
  return shown.notified ? "CANCELLED_AND_NOTIFIED" : "CANCELLED";
}

bool resolve(ModuleState& home, PyObject* future, FutureState& state) {
  if (state.outcome != nullptr) return true;
  if (state.resolved) {
    PyErr_SetString(PyExc_RuntimeError, "the garbage collector has cleared this future, and its result is gone");
    return false;
  }
  const base::IntrusivePtr<FutureTask> task = state.task;
  // Decoding may run Python, so several threads may decode at the same time. The first result counts. The message stays
  // until the last thread has finished.
  ++state.decoders;
  Decoded outcome = decode_outcome(home, *task);
  --state.decoders;
  if (!outcome.object) return false;
  if (state.outcome == nullptr) {
    if (PyObject_IS_GC(outcome.object.get())) show_to_collector(future);
    state.outcome = outcome.object.release();
    state.failed = outcome.failed;
    state.resolved = true;
  }
  if (state.decoders == 0) {
    task->message.clear();
    task->drop_own_outcome();
  }
  return true;
}

bool deliver(ModuleState& home, PyObject* future, FutureState& state) {
  // If an interruption hits one of these steps, the other steps still follow, and the interruption is raised at the end.
  py::Ref condition = py::Ref::borrow(state.condition);
  const bool locked = condition && tell(condition.get(), "acquire", nullptr);
  py::Ref interruption = py::take_exception();
  const bool is_news = state.task->show();
  if (is_news && !tell_waiters(future, state)) interruption = py::take_exception();
  if (locked && !tell(condition.get(), "notify_all", nullptr)) interruption = py::take_exception();
  if (locked && !tell(condition.get(), "release", nullptr)) interruption = py::take_exception();
  const bool called = invoke_callbacks(home, future, state);
  if (!called || !interruption) return called;
  py::restore_exception(std::move(interruption));
  return false;
}

bool invoke_callbacks(ModuleState& home, PyObject* future, FutureState& state) {
  py::Ref callbacks = py::Ref::steal(std::exchange(state.callbacks, nullptr));
  if (!callbacks) return true;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(callbacks.get()); ++i) {
    py::Ref callback = py::Ref::borrow(PyList_GET_ITEM(callbacks.get(), i));
    if (!invoke_callback(home, future, callback.get())) return false;
  }
  return true;
}

bool invoke_callback(ModuleState& home, PyObject* future, PyObject* callback) {
  py::Ref done = py::Ref::steal(PyObject_CallOneArg(callback, future));
  if (done) return true;
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) return false;
  log_exception(home, "exception", "exception calling callback for %r", future);
  return true;
}

bool invoke_callback_at_once(ModuleState& home, PyObject* future, FutureState& state, PyObject* callback) {
  // A callback of an event loop asks for the outcome now. It is decoded in a copy of the context, as if it had come later.
  const bool decodes = state.outcome == nullptr && decodes_by_python(*state.task);
  const bool is_loops = decodes && bridge_of_callback(home, callback);
  if (PyErr_Occurred() != nullptr) return false;
  const py::Ref context = is_loops ? py::Ref::steal(PyContext_CopyCurrent()) : py::Ref();
  const py::ContextCopy scope(context.get());
  return invoke_callback(home, future, callback);
}

int cancel(ModuleState& home, PyObject* future, FutureState& state) {
  if (state.task->mailbox) begin_delivery(future, state);  // so that this thread calls the callbacks
  switch (state.task->cancel()) {
    case pool::Task::Change::kDeliver:
      return deliver(home, future, state) ? 1 : -1;
    case pool::Task::Change::kMail:
    case pool::Task::Change::kQuiet:
      return 1;
    case pool::Task::Change::kLost:
      break;
  }
  return state.task->state() == State::kCancelled ? 1 : 0;
}

int interrupt(ModuleState& home, PyObject* future, FutureState& state) {
  const base::IntrusivePtr<FutureTask> task = state.task;
  if (task->done()) return 0;
  if (const int cancelled = cancel(home, future, state); cancelled != 0) return cancelled;
  return interrupt_running(home, *task);
}

}  // namespace aiointerpreters::binding
