// See future_type.h. The public methods use the native state. The private names that wait(), as_completed(), asyncio and
// others use are descriptors at the end of the file. When one of these is first used, the future becomes delivered.
#include "binding/future_type.h"

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "base/spin.h"
#include "binding/future_docs.h"
#include "binding/future_state.h"
#include "binding/native_part.h"
#include "binding/waiting.h"
#include "py/attach.h"
#include "py/error.h"
#include "py/method.h"

namespace aiointerpreters::binding {

namespace {

using State = pool::Task::State;

struct Self {
  ModuleState& home;
  PyObject* future;
  FutureState& state;
};

// The module and the native part of any instance.
Self self_of(PyObject* self) {
  ModuleState& home = state_of(PyType_GetModuleByDef(Py_TYPE(self), &module_definition));
  FutureState& state = state_of_future(home, self);
  note_fork(home);
  if (state.task->forks != home.forks) leave_to_parent(home, state);
  return {home, self, state};
}

// The arguments of a method that takes one argument, by position or by name.
struct Arguments {
  PyObject* const* args;
  Py_ssize_t nargs;
  PyObject* kwnames;

  // The argument. Borrows; null with TypeError set, or null without an exception if it was not given.
  [[nodiscard]] PyObject* single(const char* name) const {
    const Py_ssize_t named = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
    if (nargs + named == 0) return nullptr;
    if (nargs + named == 1 && (named == 0 || PyUnicode_EqualToUTF8(PyTuple_GET_ITEM(kwnames, 0), name))) return args[0];
    return PyErr_Format(PyExc_TypeError, "expected exactly one argument: %s", name);
  }
  // The same for a required argument.
  [[nodiscard]] PyObject* required(const char* name) const {
    PyObject* const argument = single(name);
    if (argument != nullptr || PyErr_Occurred() != nullptr) return argument;
    return PyErr_Format(PyExc_TypeError, "missing required argument: %s", name);
  }
};

// ---- Waiting

// Reads `timeout` as the standard library does: None or seconds. False with an exception set.
bool read_deadline(PyObject* timeout, base::Deadline& deadline) {
  if (timeout == nullptr || timeout == Py_None) return true;
  const double seconds = PyFloat_AsDouble(timeout);
  if (seconds == -1.0 && PyErr_Occurred() != nullptr) return false;
  constexpr double kForEver = 1e9;  // thirty years
  if (std::isnan(seconds)) {
    PyErr_SetString(PyExc_ValueError, "timeout must not be NaN");
    return false;
  }
  if (seconds < kForEver) {
    deadline = base::Clock::now() + std::chrono::nanoseconds(static_cast<std::int64_t>(std::max(seconds, 0.0) * 1e9));
  }
  return true;
}

// Spins until the task ends, for a limited time and only if spinning pays. The policy is used with home attached, because
// several threads may wait at the same time.
bool spin_until_done(ModuleState& home, const pool::Task& task, const base::Deadline& deadline) {
  const std::chrono::nanoseconds budget = home.result_spins.begin();
  if (budget.count() == 0) return false;
  const std::chrono::nanoseconds left = deadline ? *deadline - base::Clock::now() : budget;
  const base::Spun spun = py::detached([&] { return task.spin(std::min(budget, left)); });
  if (spun.found || left >= budget) home.result_spins.learn(spun);  // a spin that was cut short proves nothing
  return spun.found;
}

Waited wait_until_done(const Self& self, const base::Deadline& deadline) {
  // Held here as well, because another thread may drop the future's reference.
  const pool::TaskPtr task(self.state.task.get());
  if (task->done()) return Waited::kDone;
  if (spin_until_done(self.home, *task, deadline)) return Waited::kDone;
  const auto wait = [&](const base::Deadline& slice) { static_cast<void>(task->wait(slice)); };
  return wait_at_home(self.home, deadline, wait, [&] { return task->done(); });
}

// Waits for the end and decodes the outcome. Raises the exceptions that result() and exception() have in common.
bool await_outcome(const Self& self, PyObject* timeout) {
  if (!self.state.task->done()) {
    base::Deadline deadline;
    if (!read_deadline(timeout, deadline)) return false;
    const Waited waited = wait_until_done(self, deadline);
    if (waited == Waited::kTimedOut) PyErr_SetNone(PyExc_TimeoutError);
    if (waited != Waited::kDone) return false;
  }
  if (self.state.task->state() == State::kCancelled) {
    PyErr_SetNone(self.home.cancelled_error.get());
    return false;
  }
  const bool resolved = resolve(self.home, self.future, self.state);
  self.home.runtime.lessor->take_back();  // memory and objects that were lent for the call
  return resolved;
}

PyObject* future_result(PyObject* object, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const Self self = self_of(object);
  PyObject* const timeout = Arguments{args, nargs, kwnames}.single("timeout");
  if (PyErr_Occurred() != nullptr || !await_outcome(self, timeout)) return nullptr;
  if (!self.state.failed) return Py_NewRef(self.state.outcome);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(self.state.outcome)), self.state.outcome);  // as `raise` does
  return nullptr;
}

PyObject* future_exception(PyObject* object, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const Self self = self_of(object);
  PyObject* const timeout = Arguments{args, nargs, kwnames}.single("timeout");
  if (PyErr_Occurred() != nullptr || !await_outcome(self, timeout)) return nullptr;
  return Py_NewRef(self.state.failed ? self.state.outcome : Py_None);
}

// ---- Looking at the state

bool is(PyObject* object, State wanted) {
  const Self self = self_of(object);
  return self.state.task->state() == wanted;
}

PyObject* future_done(PyObject* object, PyObject*) {
  const Self self = self_of(object);
  return PyBool_FromLong(self.state.task->done());
}
PyObject* future_running(PyObject* object, PyObject*) { return PyBool_FromLong(is(object, State::kRunning)); }
PyObject* future_cancelled(PyObject* object, PyObject*) { return PyBool_FromLong(is(object, State::kCancelled)); }

// The callable, if it is known: " call=module.name". Otherwise empty. Runs Python. Leaves no exception set.
py::Ref shown_call(const FutureState& state) {
  const std::string name = pool::name_of_call(*state.task);
  py::Ref text;
  if (!name.empty()) {
    text = py::Ref::steal(PyUnicode_FromFormat(" call=%s", name.c_str()));
  } else if (state.call != nullptr) {
    const py::Ref callable = py::Ref::borrow(PyTuple_GET_ITEM(state.call, 0));
    const py::Ref module = py::Ref::steal(PyObject_GetAttrString(callable.get(), "__module__"));
    PyErr_Clear();
    const py::Ref qualname = py::Ref::steal(PyObject_GetAttrString(callable.get(), "__qualname__"));
    if (qualname && module) text = py::Ref::steal(PyUnicode_FromFormat(" call=%S.%S", module.get(), qualname.get()));
  }
  PyErr_Clear();
  return text ? std::move(text) : py::Ref::steal(PyUnicode_FromString(""));
}

PyObject* future_repr(PyObject* object) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Self self = self_of(object);
    py::Ref type = py::Ref::steal(PyType_GetName(Py_TYPE(object)));
    if (!type) return nullptr;
    if (!is(object, State::kFinished)) {
      const py::Ref call = shown_call(self.state);
      py::Ref state = call ? py::Ref::steal(PyUnicode_FromString(shown_state_name(self.state))) : py::Ref();
      py::Ref lower = state ? py::Ref::steal(PyObject_CallMethod(state.get(), "lower", nullptr)) : py::Ref();
      return lower ? PyUnicode_FromFormat("<%U at %p state=%U%U>", type.get(), object, lower.get(), call.get()) : nullptr;
    }
    if (!resolve(self.home, object, self.state)) {
      PyErr_Clear();
      return PyUnicode_FromFormat("<%U at %p state=finished>", type.get(), object);
    }
    return PyUnicode_FromFormat("<%U at %p state=finished %s %s>", type.get(), object,
                                self.state.failed ? "raised" : "returned", Py_TYPE(self.state.outcome)->tp_name);
  });
}

// ---- Changing the state

PyObject* future_cancel(PyObject* object, PyObject*) {
  const Self self = self_of(object);
  const int cancelled = cancel(self.home, object, self.state);
  return cancelled < 0 ? nullptr : PyBool_FromLong(cancelled);
}

PyObject* future_interrupt(PyObject* object, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Self self = self_of(object);
    const int interrupted = interrupt(self.home, object, self.state);
    return interrupted < 0 ? nullptr : PyBool_FromLong(interrupted);
  });
}

PyObject* future_add_done_callback(PyObject* object, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const Self self = self_of(object);
  PyObject* const callback = Arguments{args, nargs, kwnames}.required("fn");
  if (callback == nullptr) return nullptr;
  if (add_callback_of_loop(self.home, object, self.state, callback)) Py_RETURN_NONE;
  if (PyErr_Occurred() != nullptr) return nullptr;
  begin_delivery(object, self.state);
  if (self.state.task->shown().state >= State::kFinished) {
    if (!invoke_callback_at_once(self.home, object, self.state, callback)) return nullptr;
    Py_RETURN_NONE;
  }
  if (self.state.callbacks == nullptr && (self.state.callbacks = PyList_New(0)) == nullptr) return nullptr;
  if (PyList_Append(self.state.callbacks, callback) < 0) return nullptr;
  Py_RETURN_NONE;
}

PyObject* future_set_running_or_notify_cancel(PyObject* object, PyObject*) {
  const Self self = self_of(object);
  pool::Task& task = *self.state.task;
  if (task.start()) Py_RETURN_TRUE;
  if (task.state() == State::kCancelled && !task.notified()) {
    if (task.notify_cancelled() == pool::Task::Change::kDeliver && !deliver(self.home, object, self.state)) return nullptr;
    Py_RETURN_FALSE;
  }
  py::Ref logged = py::Ref::steal(PyObject_CallMethod(
      self.home.logger.get(), "critical", "sOs", "Future %s in unexpected state: %s", object, shown_state_name(self.state)));
  if (!logged) return nullptr;
  PyErr_SetString(PyExc_RuntimeError, "Future in unexpected state");
  return nullptr;
}

// Ends the future at home.
PyObject* end_with(PyObject* object, PyObject* outcome, bool failed) {
  const Self self = self_of(object);
  pool::Task& task = *self.state.task;
  if (task.done()) {
    return PyErr_Format(self.home.invalid_state_error.get(), "%s: %R", shown_state_name(self.state), object);
  }
  if (task.mailbox) begin_delivery(object, self.state);
  // No Python runs up to `finish`. Only the worker could be faster, and its outcome counts then.
  static_cast<void>(task.start());
  show_to_collector(object);
  self.state.outcome = Py_NewRef(outcome);
  self.state.failed = failed;
  const pool::Task::Change change = task.finish();
  self.state.resolved = change != pool::Task::Change::kLost;
  if (!self.state.resolved) {
    Py_CLEAR(self.state.outcome);
    return PyErr_Format(self.home.invalid_state_error.get(), "%s: %R", shown_state_name(self.state), object);
  }
  if (change == pool::Task::Change::kDeliver) {
    if (!deliver(self.home, object, self.state)) return nullptr;
    if (task.lane != pool::Lane::kHome) task.settle_at_home(pool::Task::Change::kQuiet);
  }
  Py_RETURN_NONE;
}

PyObject* future_set_result(PyObject* object, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  PyObject* const result = Arguments{args, nargs, kwnames}.required("result");
  return result == nullptr ? nullptr : end_with(object, result, false);
}

PyObject* future_set_exception(PyObject* object, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  PyObject* const exception = Arguments{args, nargs, kwnames}.required("exception");
  if (exception == nullptr) return nullptr;
  if (exception == Py_None) return end_with(object, Py_None, false);
  if (!PyExceptionInstance_Check(exception)) {
    return PyErr_Format(PyExc_TypeError, "set_exception() takes an exception, not %R", exception);
  }
  return end_with(object, exception, true);
}

// ---- Private names that other code uses (hazard 29)

PyObject* future_invoke_callbacks(PyObject* object, PyObject*) {
  const Self self = self_of(object);
  if (!invoke_callbacks(self.home, object, self.state)) return nullptr;
  Py_RETURN_NONE;
}

// CPython 3.15's asyncio reads all of this at once: (done, cancelled, result, exception).
PyObject* future_get_snapshot(PyObject* object, PyObject*) {
  const Self self = self_of(object);
  const State shown = self.state.task->shown().state;
  if (shown != State::kFinished) {
    const bool cancelled = shown == State::kCancelled;
    return Py_BuildValue("(OOOO)", cancelled ? Py_True : Py_False, cancelled ? Py_True : Py_False, Py_None, Py_None);
  }
  if (!resolve(self.home, object, self.state)) return nullptr;
  PyObject* const outcome = self.state.outcome;
  return self.state.failed ? Py_BuildValue("(OOOO)", Py_True, Py_False, Py_None, outcome)
                           : Py_BuildValue("(OOOO)", Py_True, Py_False, outcome, Py_None);
}

PyObject* get_lane(PyObject* object, void*) {
  const FutureTask& task = *self_of(object).state.task;
  const bool is_of_home = task.lane == pool::Lane::kHome;
  return PyUnicode_FromString(place_name(is_of_home ? HomeTask::Place::kThread : task.place));
}

PyObject* get_state(PyObject* object, void*) { return PyUnicode_FromString(shown_state_name(self_of(object).state)); }

PyObject* get_condition(PyObject* object, void*) {
  const Self self = self_of(object);
  if (self.state.condition == nullptr) {
    begin_delivery(object, self.state);
    py::Ref made = py::Ref::steal(PyObject_CallNoArgs(self.home.condition_type.get()));
    if (!made) return nullptr;
    if (self.state.condition == nullptr) self.state.condition = made.release();  // otherwise another thread was faster
  }
  return Py_NewRef(self.state.condition);
}

template <PyObject* FutureState::* kList>
PyObject* get_list(PyObject* object, void*) {
  const Self self = self_of(object);
  if (self.state.*kList == nullptr) {
    begin_delivery(object, self.state);
    self.state.*kList = PyList_New(0);
  }
  return Py_XNewRef(self.state.*kList);
}

template <PyObject* FutureState::* kList>
int set_list(PyObject* object, PyObject* value, void*) {
  const Self self = self_of(object);
  if (value == nullptr || !PyList_Check(value)) {
    PyErr_SetString(PyExc_TypeError, "expected a list");
    return -1;
  }
  begin_delivery(object, self.state);
  Py_XSETREF(self.state.*kList, Py_NewRef(value));
  return 0;
}

template <bool kFailed>
PyObject* get_outcome(PyObject* object, void*) {
  const Self self = self_of(object);
  if (!is(object, State::kFinished)) Py_RETURN_NONE;
  if (!resolve(self.home, object, self.state)) return nullptr;
  return Py_NewRef(self.state.failed == kFailed ? self.state.outcome : Py_None);
}

// An attribute of the instance could lead back to the future.
int future_setattro(PyObject* object, PyObject* name, PyObject* value) {
  show_to_collector(object);
  return PyObject_GenericSetAttr(object, name, value);
}
PyObject* get_dict(PyObject* object, void* closure) {
  show_to_collector(object);
  return PyObject_GenericGetDict(object, closure);
}
int set_dict(PyObject* object, PyObject* value, void* closure) {
  show_to_collector(object);
  return PyObject_GenericSetDict(object, value, closure);
}

// ---- The type

PyObject* future_new(PyTypeObject* type, PyObject*, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&] {
    ModuleState& home = state_of(PyType_GetModuleByDef(type, &module_definition));
    return make_future(home, type, pool::Lane::kHome).release();
  });
}

int future_init(PyObject*, PyObject*, PyObject*) { return 0; }

// The future is part of a garbage cycle. It keeps its content: other objects in the cycle may still use it in their
// `__del__`, and may keep it.
void future_finalize(PyObject* object) {
  static_cast<FutureState*>(native_part(object, &PyTypeObject::tp_finalize, future_finalize))->finalized = true;
}

// Does the work of the base's deallocation, and drops the task. The deallocation of a derived class calls it at the end.
void future_dealloc(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  if (type->tp_finalize != future_finalize) {  // a class has a `__del__`
    show_to_collector(object);
    if (PyObject_CallFinalizerFromDealloc(object) < 0) return;  // `__del__` has kept the future
  }
  PyObject_GC_UnTrack(object);
  Py_TRASHCAN_BEGIN(object, future_dealloc);
  PyObject* const error = PyErr_GetRaisedException();
  PyObject_ClearWeakRefs(object);
  FutureState& state = *static_cast<FutureState*>(native_part(object, &PyTypeObject::tp_dealloc, future_dealloc));
  Py_CLEAR(state.outcome);
  Py_CLEAR(state.condition);
  Py_CLEAR(state.waiters);
  Py_CLEAR(state.callbacks);
  Py_CLEAR(state.call);
  Py_CLEAR(state.kwnames);
  PyObject_ClearManagedDict(object);
  std::destroy_at(&state.task);
  PyErr_SetRaisedException(error);
  type->tp_free(object);
  Py_DECREF(type);
  Py_TRASHCAN_END
}

constexpr int kOneArgument = METH_FASTCALL | METH_KEYWORDS;

PyMethodDef kFutureMethods[] = {
    {"result", py::as_method(future_result), kOneArgument, kResultDoc},
    {"exception", py::as_method(future_exception), kOneArgument, kExceptionDoc},
    {"done", future_done, METH_NOARGS, kDoneDoc},
    {"running", future_running, METH_NOARGS, kRunningDoc},
    {"cancelled", future_cancelled, METH_NOARGS, kCancelledDoc},
    {"cancel", future_cancel, METH_NOARGS, kCancelDoc},
    {"interrupt", future_interrupt, METH_NOARGS, kInterruptDoc},
    {"add_done_callback", py::as_method(future_add_done_callback), kOneArgument, kAddDoneCallbackDoc},
    {"set_running_or_notify_cancel", future_set_running_or_notify_cancel, METH_NOARGS, kSetRunningOrNotifyCancelDoc},
    {"set_result", py::as_method(future_set_result), kOneArgument, kSetResultDoc},
    {"set_exception", py::as_method(future_set_exception), kOneArgument, kSetExceptionDoc},
    {"_invoke_callbacks", future_invoke_callbacks, METH_NOARGS, nullptr},
    {"_get_snapshot", future_get_snapshot, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kFutureGetSet[] = {
    {"__dict__", get_dict, set_dict, nullptr, nullptr},
    {"lane", get_lane, nullptr, kLaneDoc, nullptr},
    {"_state", get_state, nullptr, nullptr, nullptr},
    {"_condition", get_condition, nullptr, nullptr, nullptr},
    {"_waiters", get_list<&FutureState::waiters>, set_list<&FutureState::waiters>, nullptr, nullptr},
    {"_done_callbacks", get_list<&FutureState::callbacks>, set_list<&FutureState::callbacks>, nullptr, nullptr},
    {"_result", get_outcome<false>, nullptr, nullptr, nullptr},
    {"_exception", get_outcome<true>, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// Members of the kind that __slots__ creates. The inherited traverse and clear of the Python base handle them.
constexpr PyMemberDef held(const char* name, std::size_t offset) {
  return {name, Py_T_OBJECT_EX, static_cast<Py_ssize_t>(offset), Py_RELATIVE_OFFSET, nullptr};
}

PyMemberDef kFutureMembers[] = {
    held("_native_outcome", offsetof(FutureState, outcome)),
    held("_native_condition", offsetof(FutureState, condition)),
    held("_native_waiters", offsetof(FutureState, waiters)),
    held("_native_callbacks", offsetof(FutureState, callbacks)),
    held("_native_call", offsetof(FutureState, call)),
    held("_native_kwnames", offsetof(FutureState, kwnames)),
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot kFutureSlots[] = {
    {Py_tp_doc, const_cast<char*>("The future of a call. `submit` returns it.\n\n"
                                  "It has all methods of concurrent.futures.Future (PEP 3148). Only executors create it.")},
    {Py_tp_new, reinterpret_cast<void*>(future_new)},
    {Py_tp_init, reinterpret_cast<void*>(future_init)},
    {Py_tp_finalize, reinterpret_cast<void*>(future_finalize)},
    {Py_tp_dealloc, reinterpret_cast<void*>(future_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(future_repr)},
    {Py_tp_setattro, reinterpret_cast<void*>(future_setattro)},
    {Py_tp_methods, kFutureMethods},
    {Py_tp_getset, kFutureGetSet},
    {Py_tp_members, kFutureMembers},
    {0, nullptr},
};

PyType_Spec kFutureSpec = {
    .name = "aiointerpreters._core.Future",
    .basicsize = -static_cast<int>(sizeof(FutureState)),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = kFutureSlots,
};

}  // namespace

py::Ref make_future_type(PyObject* module, PyObject* base) {
  py::Ref type = py::Ref::steal(PyType_FromModuleAndSpec(module, &kFutureSpec, base));
  // The members have set the type's layout. Their names are removed, so that no code can change them.
  for (const PyMemberDef* member = kFutureMembers; type && member->name != nullptr; ++member) {
    if (PyObject_DelAttrString(type.get(), member->name) < 0) return {};
  }
  return type;
}

}  // namespace aiointerpreters::binding
