// See ended_await.h.
#include "binding/ended_await.h"

#include <utility>

#include "py/method.h"

namespace aiointerpreters::binding {

namespace {

struct EndedAwait {
  PyObject_HEAD
  PyObject* future;
  bool has_yielded;
};

EndedAwait& await_of(PyObject* self) noexcept { return *reinterpret_cast<EndedAwait*>(self); }

// Calls a method of the future and drops the future. Returns new; null with an exception set, also if the future was
// dropped before.
py::Ref ask(PyObject* self, py::Ref AsyncioState::Names::* method) {
  const ModuleState& home = state_of(PyType_GetModule(Py_TYPE(self)));
  const py::Ref future = py::Ref::steal(std::exchange(await_of(self).future, nullptr));
  if (!future) {
    PyErr_SetString(PyExc_RuntimeError, "cannot reuse an await that has ended");
    return {};
  }
  return py::Ref::steal(PyObject_CallMethodNoArgs(future.get(), (home.asyncio.names.*method).get()));
}

PyObject* ended_await_next(PyObject* self) {
  if (!std::exchange(await_of(self).has_yielded, true)) Py_RETURN_NONE;
  py::Ref result = ask(self, &AsyncioState::Names::result);
  return result ? stop_with(result.release()) : nullptr;
}

PyObject* ended_await_send(PyObject* self, PyObject*) { return ended_await_next(self); }

PyObject* ended_await_throw(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  // If the await is cancelled here, mark an exception of the call as retrieved.
  if (await_of(self).future != nullptr && !ask(self, &AsyncioState::Names::exception)) PyErr_Clear();
  return raise_thrown(args, nargs);
}

PyObject* ended_await_close(PyObject*, PyObject*) { Py_RETURN_NONE; }

int ended_await_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(await_of(self).future);
  return 0;
}

int ended_await_clear(PyObject* self) {
  Py_CLEAR(await_of(self).future);
  return 0;
}

void ended_await_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  static_cast<void>(ended_await_clear(self));
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef kEndedAwaitMethods[] = {
    {"send", ended_await_send, METH_O, "send($self, value, /)\n--\n\nYield None once, then end with the result."},
    {"throw", py::as_method(ended_await_throw), METH_FASTCALL,
     "throw($self, typ, val=None, tb=None, /)\n--\n\nRaise the given exception."},
    {"close", ended_await_close, METH_NOARGS, "close($self, /)\n--\n\nDo nothing: the call has ended."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kEndedAwaitSlots[] = {
    {Py_tp_doc, const_cast<char*>("The await of a call that has ended.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(ended_await_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(ended_await_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(ended_await_clear)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(ended_await_next)},
    {Py_tp_methods, kEndedAwaitMethods},
    {0, nullptr},
};

PyType_Spec kEndedAwaitSpec = {
    .name = "aiointerpreters._core.EndedAwait",
    .basicsize = sizeof(EndedAwait),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kEndedAwaitSlots,
};

}  // namespace

py::Ref make_ended_await_type(PyObject* module) {
  return py::Ref::steal(PyType_FromModuleAndSpec(module, &kEndedAwaitSpec, nullptr));
}

py::Ref make_ended_await(const ModuleState& home, PyObject* future) {
  auto* const type = reinterpret_cast<PyTypeObject*>(home.asyncio.ended_await_type.get());
  py::Ref made = py::Ref::steal(type->tp_alloc(type, 0));
  if (made) await_of(made.get()).future = Py_NewRef(future);
  return made;
}

PyObject* stop_with(PyObject* value) {
  const py::Ref held = py::Ref::steal(value);
  // Sets an instance. With the type and the value, CPython would unpack a tuple as arguments and raise an exception as it
  // is.
  const py::Ref stop = py::Ref::steal(PyObject_CallOneArg(PyExc_StopIteration, held.get()));
  if (stop) PyErr_SetObject(PyExc_StopIteration, stop.get());
  return nullptr;
}

PyObject* raise_thrown(PyObject* const* args, Py_ssize_t nargs) {
  if (nargs < 1 || nargs > 3) return PyErr_Format(PyExc_TypeError, "throw() takes 1 to 3 arguments (%zd given)", nargs);
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

}  // namespace aiointerpreters::binding
