// See run_future_type.h.
#include "binding/run_future_type.h"

#include "py/error.h"
#include "py/method.h"

namespace aiointerpreters::binding {

namespace {

ModuleState& home_of(PyObject* self) { return state_of(PyType_GetModule(Py_TYPE(self))); }

// cancel(msg=None): as the base does it, and the work stops too.
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
    const AwaitedTaskPtr task(state_of_run_future(self).task);
    if (task) task->stop();
    return cancelled.release();
  });
}

// ---- As a coroutine: a task drives it by send and throw, as it drives what `async def` makes.

// Raises the exception, or hands out the result, of a future that is done.
PySendResult end_step(const ModuleState& home, PyObject* self, PyObject** result) {
  *result = PyObject_CallMethodNoArgs(self, home.asyncio.names.result.get());
  return *result == nullptr ? PYGEN_ERROR : PYGEN_RETURN;
}

PySendResult run_future_send_step(PyObject* self, PyObject*, PyObject** result) {
  const ModuleState& home = home_of(self);
  py::Ref done = py::Ref::steal(PyObject_CallMethodNoArgs(self, home.asyncio.names.done.get()));
  *result = nullptr;
  if (!done) return PYGEN_ERROR;
  if (done.get() == Py_True) return end_step(home, self, result);
  if (PyObject_SetAttr(self, home.asyncio.names.blocking.get(), Py_True) < 0) return PYGEN_ERROR;
  *result = Py_NewRef(self);
  return PYGEN_NEXT;
}

PyObject* run_future_send(PyObject* self, PyObject* value) {
  PyObject* result = nullptr;
  if (run_future_send_step(self, value, &result) != PYGEN_RETURN) return result;
  py::Ref returned = py::Ref::steal(result);
  const py::Ref stop = py::Ref::steal(PyObject_CallOneArg(PyExc_StopIteration, returned.get()));
  if (stop) PyErr_SetObject(PyExc_StopIteration, stop.get());
  return nullptr;
}

// throw(typ[, val[, tb]]): what is thrown into who awaits ends the call.
PyObject* run_future_throw(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs < 1 || nargs > 3) {
    PyErr_Format(PyExc_TypeError, "throw() takes 1 to 3 arguments (%zd given)", nargs);
    return nullptr;
  }
  py::Ref cancelled = py::Ref::steal(PyObject_CallMethodNoArgs(self, home_of(self).asyncio.names.cancel.get()));
  if (!cancelled) return nullptr;
  PyObject* const value = nargs > 1 && args[1] != Py_None ? args[1] : nullptr;
  if (PyExceptionInstance_Check(args[0])) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(args[0])), args[0]);
  } else if (PyExceptionClass_Check(args[0])) {
    PyErr_SetObject(args[0], value);
  } else {
    PyErr_Format(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException, not %s",
                 Py_TYPE(args[0])->tp_name);
  }
  return nullptr;
}

PyObject* run_future_close(PyObject* self, PyObject*) {
  py::Ref cancelled = py::Ref::steal(PyObject_CallMethodNoArgs(self, home_of(self).asyncio.names.cancel.get()));
  if (!cancelled) return nullptr;
  Py_RETURN_NONE;
}

// What asyncio shows of a coroutine.
PyObject* get_name(PyObject*, void*) { return PyUnicode_FromString("run"); }

PyMethodDef kMethods[] = {
    {"cancel", py::as_method(run_future_cancel), METH_FASTCALL | METH_KEYWORDS,
     "cancel($self, /, msg=None)\n--\n\nCancel the future, and with it the call: one that is queued is never run, in one\n"
     "that runs TaskInterrupted is raised. Who awaits goes on at once. Returns False if the future was done."},
    {"send", run_future_send, METH_O, "send($self, value, /)\n--\n\nFor asyncio's tasks: wait for the call."},
    {"throw", py::as_method(run_future_throw), METH_FASTCALL,
     "throw($self, typ, val=None, tb=None, /)\n--\n\nFor asyncio's tasks: cancel, then raise what is given."},
    {"close", run_future_close, METH_NOARGS, "close($self, /)\n--\n\nCancel, unless the call has ended."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kGetSet[] = {
    {"__name__", get_name, nullptr, nullptr, nullptr},
    {"__qualname__", get_name, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("The awaitable of a call: an asyncio.Future, and a coroutine for who needs one. Only "
                                  "`executor.run` makes them.")},
    {Py_am_send, reinterpret_cast<void*>(run_future_send_step)},
    {Py_tp_methods, kMethods},
    {Py_tp_getset, kGetSet},
    {0, nullptr},
};

PyType_Spec kSpec = {
    .name = "aiointerpreters._core.RunFuture",
    .basicsize = -static_cast<int>(sizeof(RunFutureState)),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = kSlots,
};

}  // namespace

RunFutureState& state_of_run_future(PyObject* future) noexcept {
  return *static_cast<RunFutureState*>(PyObject_GetTypeData(future, Py_TYPE(future)));  // no type derives from this one
}

py::Ref make_run_future_type(PyObject* module, PyObject* base) {
  return py::Ref::steal(PyType_FromModuleAndSpec(module, &kSpec, base));
}

py::Ref make_run_future(const ModuleState& home, PyObject* loop) {
  auto* const type = reinterpret_cast<PyTypeObject*>(home.asyncio.run_future_type.get());
  py::Ref future = py::Ref::steal(type->tp_alloc(type, 0));
  py::Ref args = py::Ref::steal(PyTuple_New(0));
  py::Ref kwargs = py::Ref::steal(PyDict_New());
  if (!future || !args || !kwargs || PyDict_SetItem(kwargs.get(), home.asyncio.names.loop.get(), loop) < 0) return {};
  return type->tp_base->tp_init(future.get(), args.get(), kwargs.get()) == 0 ? std::move(future) : py::Ref();
}

}  // namespace aiointerpreters::binding
