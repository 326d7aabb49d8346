// See run_future_type.h.
#include "binding/run_future_type.h"

#include <algorithm>
#include <array>
#include <utility>

#include "binding/asyncio_bridge.h"
#include "binding/ended_await.h"
#include "py/error.h"
#include "py/method.h"

namespace aiointerpreters::binding {

namespace {

ModuleState& home_of(PyObject* self) { return state_of(PyType_GetModuleByDef(Py_TYPE(self), &module_definition)); }

// cancel(msg=None): like the base's. It also cancels or stops the call.
PyObject* run_future_cancel(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& home = home_of(self);
    PyObject* all[3] = {self};
    const Py_ssize_t given = nargs + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
    if (given > 1) return PyErr_Format(PyExc_TypeError, "cancel() takes at most 1 argument (%zd given)", given);
    if (given == 1) all[1] = args[0];
    py::Ref cancelled = py::Ref::steal(
        PyObject_Vectorcall(home.asyncio.future_cancel.get(), all, static_cast<std::size_t>(1 + nargs), kwnames));
    if (!cancelled || cancelled.get() != Py_True) return cancelled.release();
    const AwaitedTaskPtr task(state_of_run_future(home, self).task);
    if (task) task->stop();
    return cancelled.release();
  });
}

// The context that a callback will run in: the only keyword argument, or else the current context. Null without an
// exception: there is no memory, or there are other arguments.
py::Ref context_of_callback(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const bool is_given = nargs == 1 && kwnames != nullptr && PyTuple_GET_SIZE(kwnames) == 1 && PyContext_CheckExact(args[1]);
  py::Ref context = is_given ? py::Ref::borrow(args[1]) : py::Ref::steal(PyContext_CopyCurrent());
  if (!context) PyErr_Clear();
  return context;
}

// add_done_callback(fn, *, context=None): like the base's. All waiters use it, including a task that awaits the future.
PyObject* run_future_add_done_callback(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const ModuleState& home = home_of(self);
    const Py_ssize_t given = nargs + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames));
    std::array<PyObject*, 3> all{self};
    if (given > 2) return PyErr_Format(PyExc_TypeError, "add_done_callback() takes at most 2 arguments (%zd given)", given);
    std::copy_n(args, given, all.begin() + 1);
    py::Ref added = py::Ref::steal(PyObject_Vectorcall(home.asyncio.future_add_done_callback.get(), all.data(),
                                                       static_cast<std::size_t>(1 + nargs), kwnames));
    const AwaitedTaskPtr task(state_of_run_future(home, self).task);
    if (added && task) task->note_waiter(context_of_callback(args, nargs, kwnames));
    return added.release();
  });
}

// ---- As a future

// The await of the future in a coroutine. If the call has ended, or ends in a moment, it costs the loop only one pass.
PyObject* run_future_await(PyObject* self) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const ModuleState& home = home_of(self);
    AwaitedTask* const task = state_of_run_future(home, self).task;
    switch (task == nullptr ? AwaitedTask::Found::kNothing : task->find_end()) {
      case AwaitedTask::Found::kEnd:
        return make_ended_await(home, self).release();
      case AwaitedTask::Found::kError:
        return nullptr;
      case AwaitedTask::Found::kNothing:
        break;
    }
    if (AwaitedTask* const pending = state_of_run_future(home, self).task; pending != nullptr) pending->expect_await();
    PyTypeObject* const asyncios = reinterpret_cast<PyTypeObject*>(home.asyncio.run_future_type.get())->tp_base;
    return reinterpret_cast<unaryfunc>(PyType_GetSlot(asyncios, Py_am_await))(self);
  });
}

// Whether another loop than the future's runs in this thread. Leaves no exception set.
bool is_elsewhere(const ModuleState& home, PyObject* self) {
  const py::Ref running = running_loop(home);
  const AwaitedTask* const task = state_of_run_future(home, self).task;
  const bool is_outstanding = task != nullptr && task->bridge() != nullptr;
  const py::Ref own = is_outstanding ? py::Ref::borrow(task->bridge()->loop())
                                     : py::Ref::steal(PyObject_CallMethodNoArgs(self, home.asyncio.names.get_loop.get()));
  PyErr_Clear();
  return running && own && running.get() != own.get();
}

// _asyncio_future_blocking, while the object may still be a coroutine. While nobody awaits the future, the value is False,
// so code that reads it wants to know whether this is a future. In another loop the object is not a future, but a coroutine
// like any other.
PyObject* get_blocking(PyObject* self, void*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const ModuleState& home = home_of(self);
    PyObject* const descriptor = home.asyncio.future_blocking.get();
    py::Ref value =
        py::Ref::steal(Py_TYPE(descriptor)->tp_descr_get(descriptor, self, reinterpret_cast<PyObject*>(Py_TYPE(self))));
    const RunFutureState& state = state_of_run_future(home, self);
    if (value.get() != Py_False || state.is_driven) return value.release();
    if (is_elsewhere(home, self)) Py_RETURN_NONE;
    PyTypeObject* const before = Py_TYPE(self);
    if (before == reinterpret_cast<PyTypeObject*>(home.asyncio.run_coroutine_type.get())) {
      Py_SET_TYPE(self, reinterpret_cast<PyTypeObject*>(Py_NewRef(home.asyncio.run_future_type.get())));
      Py_DECREF(before);
    }
    return value.release();
  });
}

int set_blocking(PyObject* self, PyObject* value, void*) {
  PyObject* const descriptor = home_of(self).asyncio.future_blocking.get();
  return Py_TYPE(descriptor)->tp_descr_set(descriptor, self, value);
}

// A task of another loop drives it, so that loop waits for the call from now on. Yields a future of that loop.
PySendResult step_elsewhere(ModuleState& home, AwaitedTask& task, PyObject** result) {
  return py::guarded(PYGEN_ERROR, [&] {
    const AwaitedTaskPtr kept(&task);
    const py::Ref bridge = running_bridge(home);
    py::Ref waker = bridge ? make_run_future(home.asyncio.run_future_type, bridge_in(bridge).loop_keyword()) : py::Ref();
    if (!waker || PyObject_SetAttr(waker.get(), home.asyncio.names.blocking.get(), Py_True) < 0 ||
        !task.move(bridge_in(bridge), waker.get())) {
      return PYGEN_ERROR;
    }
    *result = waker.release();
    return PYGEN_NEXT;
  });
}

// ---- As a coroutine: a task drives it by send and throw, like the coroutine of an `async def`.

// Raises the exception, or returns the result, of a future that is done.
PySendResult end_step(const ModuleState& home, PyObject* self, PyObject** result) {
  *result = PyObject_CallMethodNoArgs(self, home.asyncio.names.result.get());
  return *result == nullptr ? PYGEN_ERROR : PYGEN_RETURN;
}

PySendResult run_future_send_step(PyObject* self, PyObject*, PyObject** result) {
  ModuleState& home = home_of(self);
  RunFutureState& state = state_of_run_future(home, self);
  const bool is_first = !std::exchange(state.is_driven, true);
  py::Ref done = py::Ref::steal(PyObject_CallMethodNoArgs(self, home.asyncio.names.done.get()));
  *result = nullptr;
  if (!done) return PYGEN_ERROR;
  if (done.get() == Py_True) return end_step(home, self, result);
  if (is_first && state.task != nullptr && is_elsewhere(home, self)) return step_elsewhere(home, *state.task, result);
  if (PyObject_SetAttr(self, home.asyncio.names.blocking.get(), Py_True) < 0) return PYGEN_ERROR;
  if (state.task != nullptr) state.task->expect_await();
  *result = Py_NewRef(self);
  return PYGEN_NEXT;
}

PyObject* run_future_send(PyObject* self, PyObject* value) {
  PyObject* result = nullptr;
  return run_future_send_step(self, value, &result) == PYGEN_RETURN ? stop_with(result) : result;
}

// throw(typ[, val[, tb]]): raises the exception, and cancels the call.
PyObject* run_future_throw(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs < 1 || nargs > 3) return raise_thrown(args, nargs);
  py::Ref cancelled = py::Ref::steal(PyObject_CallMethodNoArgs(self, home_of(self).asyncio.names.cancel.get()));
  return cancelled ? raise_thrown(args, nargs) : nullptr;
}

PyObject* run_future_close(PyObject* self, PyObject*) {
  py::Ref cancelled = py::Ref::steal(PyObject_CallMethodNoArgs(self, home_of(self).asyncio.names.cancel.get()));
  if (!cancelled) return nullptr;
  Py_RETURN_NONE;
}

// The attributes of a coroutine that asyncio prints.
// Where the call runs, or has run.
PyObject* get_lane(PyObject* self, void*) {
  const RunFutureState& state = state_of_run_future(home_of(self), self);
  return PyUnicode_FromString(place_name(state.task != nullptr ? state.task->place : state.place));
}

PyObject* get_name(PyObject*, void*) { return PyUnicode_FromString("run"); }

PyMethodDef kRunFutureMethods[] = {
    {"cancel", py::as_method(run_future_cancel), METH_FASTCALL | METH_KEYWORDS,
     "cancel($self, /, msg=None)\n--\n\n"
     "Cancel the future and stop its call.\n\n"
     "A queued call is never run. In a running call, TaskInterrupted is raised. The awaiting task resumes immediately.\n\n"
     "Args:\n"
     "    msg: The argument of the CancelledError that the await raises.\n\n"
     "Returns:\n"
     "    True if the future is now cancelled. False if it was already done."},
    {"add_done_callback", py::as_method(run_future_add_done_callback), METH_FASTCALL | METH_KEYWORDS,
     "add_done_callback($self, fn, /, *, context=None)\n--\n\n"
     "Register a function that the event loop calls with the future when the future is done.\n\n"
     "If the future is already done, the event loop calls the function in its next iteration.\n\n"
     "Args:\n"
     "    fn: A callable that takes one argument, the future.\n"
     "    context: The contextvars.Context in which `fn` is called. None means a copy of the current context. If no other\n"
     "        code waits for the future, the result is unpickled in a copy of this context."},
    {"send", run_future_send, METH_O, "send($self, value, /)\n--\n\nWait for the call. Tasks of asyncio use this method."},
    {"throw", py::as_method(run_future_throw), METH_FASTCALL,
     "throw($self, typ, val=None, tb=None, /)\n--\n\n"
     "Cancel the future, then raise the given exception. Tasks of asyncio use this method."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kRunFutureGetSet[] = {
    {"__name__", get_name, nullptr, nullptr, nullptr},
    {"__qualname__", get_name, nullptr, nullptr, nullptr},
    {"lane", get_lane, nullptr, kLaneDoc, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef kCoroutineMethods[] = {
    {"close", run_future_close, METH_NOARGS, "close($self, /)\n--\n\nCancel the future if its call has not ended."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kCoroutineGetSet[] = {
    {"_asyncio_future_blocking", get_blocking, set_blocking, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot kRunFutureSlots[] = {
    {Py_tp_doc, const_cast<char*>("The awaitable of a call. `executor.run` returns it.\n\n"
                                  "It is an asyncio.Future and also a coroutine. Therefore asyncio.create_task and\n"
                                  "asyncio.TaskGroup accept it. Only `executor.run` creates it.")},
    {Py_am_await, reinterpret_cast<void*>(run_future_await)},
    {Py_am_send, reinterpret_cast<void*>(run_future_send_step)},
    {Py_tp_methods, kRunFutureMethods},
    {Py_tp_getset, kRunFutureGetSet},
    {0, nullptr},
};

PyType_Spec kRunFutureSpec = {
    .name = "aiointerpreters._core.RunFuture",
    .basicsize = -static_cast<int>(sizeof(RunFutureState)),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = kRunFutureSlots,
};

PyType_Slot kCoroutineSlots[] = {
    {Py_tp_methods, kCoroutineMethods},
    {Py_tp_getset, kCoroutineGetSet},
    {0, nullptr},
};

PyType_Spec kCoroutineSpec = {
    .name = "aiointerpreters._core.RunFuture",
    .basicsize = 0,  // the base's
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = kCoroutineSlots,
};

}  // namespace

RunFutureState& state_of_run_future(const ModuleState& home, PyObject* future) noexcept {
  auto* const type = reinterpret_cast<PyTypeObject*>(home.asyncio.run_future_type.get());
  return *static_cast<RunFutureState*>(PyObject_GetTypeData(future, type));
}

py::Ref make_run_future_type(PyObject* module, PyObject* base) {
  return py::Ref::steal(PyType_FromModuleAndSpec(module, &kRunFutureSpec, base));
}

py::Ref make_run_coroutine_type(PyObject* module, PyObject* base) {
  return py::Ref::steal(PyType_FromModuleAndSpec(module, &kCoroutineSpec, base));
}

py::Ref make_run_future(const py::Ref& type_object, PyObject* loop_keyword) {
  auto* const type = reinterpret_cast<PyTypeObject*>(type_object.get());
  py::Ref future = py::Ref::steal(type->tp_alloc(type, 0));
  const py::Ref args = py::Ref::steal(PyTuple_New(0));  // the one empty tuple
  if (!future || !args) return {};
  return type->tp_init(future.get(), args.get(), loop_keyword) == 0 ? std::move(future) : py::Ref();
}

}  // namespace aiointerpreters::binding
