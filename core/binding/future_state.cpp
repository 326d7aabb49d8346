// See future_state.h.
#include "binding/future_state.h"

#include <memory>
#include <string>
#include <utility>

#include "codec/codec.h"
#include "pool/pool.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

using State = pool::Task::State;
using Outcome = pool::Task::Outcome;

// The exception of a task that was interrupted: the one that was raised in it, if that came through; else what came instead
// is its context. Returns new; null with an exception set.
py::Ref rebuild_interrupt(ModuleState& home, const pool::Task& task) {
  PyObject* const type = home.runtime.task_interrupted.get();
  py::Ref raised;
  if (task.outcome == Outcome::kException) {
    raised = codec::decode_exception(home.runtime, task.message);
    if (raised && PyObject_TypeCheck(raised.get(), reinterpret_cast<PyTypeObject*>(type)) != 0) return raised;
    PyErr_Clear();
  }
  py::Ref error = py::Ref::steal(PyObject_CallNoArgs(type));
  if (error && raised) PyException_SetContext(error.get(), raised.release());
  return error;
}

// The exception of a task that did not end with a result. Returns new; null with an exception set.
py::Ref rebuild_failure(ModuleState& home, const pool::Task& task) {
  if (task.interrupted()) return rebuild_interrupt(home, task);
  switch (task.outcome) {
    case Outcome::kException:
      return codec::decode_exception(home.runtime, task.message);
    case Outcome::kBroken:
      return broken_pool_exception(home, *task.breakage);
    default:
      PyErr_NoMemory();
      return {};
  }
}

// Whether the task's outcome, which is not at home, is an exception.
bool has_failed(const pool::Task& task) noexcept { return task.interrupted() || task.outcome != Outcome::kValue; }

bool has_failed(const FutureState& state) noexcept {
  return state.failed || (state.task->outcome != Outcome::kAtHome && has_failed(*state.task));
}

// Calls a method of a condition or a waiter. False with the exception set if that is no Exception; others are reported.
bool tell(PyObject* object, const char* method, PyObject* argument) {
  py::Ref name = py::Ref::steal(PyUnicode_FromString(method));
  py::Ref done = name ? py::Ref::steal(PyObject_CallMethodObjArgs(object, name.get(), argument, nullptr)) : py::Ref();
  if (done) return true;
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) return false;
  PyErr_WriteUnraisable(object);
  return true;
}

// Tells wait's and as_completed's waiters. Errors: as tell.
bool tell_waiters(PyObject* future, const FutureState& state) {
  if (state.waiters == nullptr) return true;
  const char* method = state.shown == State::kCancelled ? "add_cancelled"
                       : has_failed(state)              ? "add_exception"
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
  FutureState& state = state_of_future(home_, future.get());
  py::Ref call = py::Ref::steal(std::exchange(state.call, nullptr));
  py::Ref kwnames = py::Ref::steal(std::exchange(state.kwnames, nullptr));
  const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames.get()) : 0;
  const Py_ssize_t positional = PyTuple_GET_SIZE(call.get()) - 1 - named;
  PyObject** const items = PySequence_Fast_ITEMS(call.get());
  PyObject* result = PyObject_Vectorcall(items[0], items + 1, static_cast<std::size_t>(positional), kwnames.get());
  state.failed = result == nullptr;
  state.outcome = state.failed ? PyErr_GetRaisedException() : result;
  outcome = Outcome::kAtHome;
}

void FutureTask::settle_at_home(bool deliver_it) {
  py::Ref future = py::Ref::steal(std::exchange(future_, nullptr));
  if (!future) return;
  FutureState& data = state_of_future(home_, future.get());
  Py_CLEAR(data.call);  // still there if it never ran
  Py_CLEAR(data.kwnames);
  if (deliver_it && !deliver(home_, future.get(), data)) log_exception(home_, "critical", "Exception in worker", nullptr);
}

void FutureTask::cancel_at_home() {
  py::Ref future = py::Ref::borrow(future_);
  if (!future) {  // nobody at home asked to be told
    static_cast<void>(Task::cancel());
  } else if (binding::cancel(home_, future.get(), state_of_future(home_, future.get())) < 0) {
    log_exception(home_, "critical", "Exception in callback", nullptr);
  }
  settle_at_home(notify_cancelled() == Change::kDeliver);
}

void FutureTask::report_ignored_interrupt() {
  const bool named = callable && !callable->qualname.empty();
  const std::string module = named && callable->by_reference() ? callable->module + '.' : std::string();
  const std::string name = named ? module + callable->qualname : "a task";
  home_.runtime.lessor->door().visit(
      [&] { log_warning(name + " goes on in a worker's interpreter, seconds after it was interrupted"); });
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

py::Ref make_future(ModuleState& home, PyTypeObject* type, pool::Task::Side side) {
  base::IntrusivePtr<FutureTask> task(std::make_unique<FutureTask>(side, home).release());
  py::Ref future = py::Ref::steal(type->tp_alloc(type, 0));
  if (future) std::construct_at(&state_of_future(home, future.get()).task, std::move(task));
  return future;
}

void leave_to_parent(ModuleState& home, FutureState& state) noexcept {
  const pool::Task& task = *state.task;
  if (state.delivered && state.shown < State::kFinished && task.done()) {  // it was about to be shown
    state.shown = task.state();
    state.shown_notified = task.notified();
  }
  if (task.done()) return;
  try {
    // A task of its own: the workers' half of the old one, which they will never finish, may be in any state.
    base::IntrusivePtr<FutureTask> ended(std::make_unique<FutureTask>(task.side(), home).release());
    static_cast<void>(ended->end_broken(std::make_shared<const pool::Breakage>(
        pool::Breakage{"the call is left to the process that this one was forked from", {}})));
    state.task = std::move(ended);
  } catch (const std::bad_alloc&) {
    return;
  }
  state.shown = State::kFinished;
  Py_CLEAR(state.call);
  Py_CLEAR(state.kwnames);
}

void begin_delivery(PyObject* future, FutureState& state) {
  if (state.delivered) return;
  state.delivered = true;
  show_to_collector(future);
  FutureTask& task = *state.task;
  // A task of home's side holds its future from the start. Hold first: a worker may settle it from the request on.
  const bool held_now = task.queued && task.side() == pool::Task::Side::kWorker;
  if (held_now) task.hold(future);
  const pool::Task::Standing standing = task.request_delivery();
  if (standing.state >= State::kFinished) {
    state.shown = standing.state;
    state.shown_notified = standing.notified;
  }
  if (held_now && !standing.open()) task.settle_at_home(false);  // nobody else will
}

State shown_state(const FutureState& state) noexcept {
  if (state.delivered && state.shown >= State::kFinished) return state.shown;
  const State now = state.task ? state.task->state() : State::kCancelled;
  // The end has come, but is not delivered yet.
  return state.delivered && now >= State::kFinished ? State::kRunning : now;
}

const char* shown_state_name(const FutureState& state) noexcept {
  switch (shown_state(state)) {
    case State::kPending:
      return "PENDING";
    case State::kRunning:
      return "RUNNING";
    case State::kFinished:
      return "FINISHED";
    case State::kCancelled:
      break;
  }
  const bool notified = state.delivered ? state.shown_notified : state.task && state.task->notified();
  return notified ? "CANCELLED_AND_NOTIFIED" : "CANCELLED";
}

bool resolve(ModuleState& home, PyObject* future, FutureState& state) {
  if (state.outcome != nullptr) return true;
  const base::IntrusivePtr<FutureTask> task = state.task;
  // Decoding may run Python, and so another thread may come here meanwhile: the first result counts, and the message stays
  // until the last one is through.
  ++state.decoders;
  bool failed = has_failed(*task);
  py::Ref outcome = failed ? rebuild_failure(home, *task) : codec::decode_value(home.runtime, task->message);
  --state.decoders;
  // What comes from outside and would have hit any other code here; all else is the result's own doing.
  if (!outcome && (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0 ||
                   PyErr_ExceptionMatches(home.runtime.task_interrupted.get()) != 0)) {
    return false;
  }
  if (!outcome) {
    if (!failed) py::raise_from_current(home.runtime.interpreter_error.get(), "the result could not be rebuilt at home");
    outcome = py::take_exception();
    failed = true;
  }
  if (state.outcome == nullptr) {
    if (PyObject_IS_GC(outcome.get())) show_to_collector(future);
    state.outcome = outcome.release();
    state.failed = failed;
  }
  if (state.decoders == 0) task->message.clear();
  return true;
}

py::Ref broken_pool_exception(ModuleState& home, const pool::Breakage& breakage) {
  py::Ref error = py::Ref::steal(PyObject_CallFunction(home.broken_pool_error.get(), "s", breakage.reason.c_str()));
  if (error && breakage.cause.form != codec::Message::Form::kEmpty) {
    PyException_SetCause(error.get(), codec::decode_exception(home.runtime, breakage.cause).release());
  }
  return error;
}

bool deliver(ModuleState& home, PyObject* future, FutureState& state) {
  // Whatever interrupts one of these steps, the others are still taken; the interruption is raised in the end.
  py::Ref condition = py::Ref::borrow(state.condition);
  const bool locked = condition && tell(condition.get(), "acquire", nullptr);
  py::Ref interruption = py::take_exception();
  state.shown = state.task->state();
  const bool notified = state.task->notified();
  const bool told = state.shown == State::kFinished || (notified && !state.shown_notified);
  state.shown_notified = notified;
  if (told && !tell_waiters(future, state)) interruption = py::take_exception();
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

int cancel(ModuleState& home, PyObject* future, FutureState& state) {
  switch (state.task->cancel()) {
    case pool::Task::Change::kDeliver:
      return deliver(home, future, state) ? 1 : -1;
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
  if (task->side() != pool::Task::Side::kWorker || !task->request_interrupt()) return 0;
  for (const std::weak_ptr<pool::Pool>& weak : home.pools) {
    const std::shared_ptr<pool::Pool> pool = weak.lock();
    const std::shared_ptr<pool::Interrupter> interrupter = pool ? pool->interrupter_of(*task) : nullptr;
    if (!interrupter) continue;
    if (interrupter->interrupt(pool::TaskPtr(task.get()))) break;
    PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
    return -1;
  }
  return 1;
}

}  // namespace aiointerpreters::binding
