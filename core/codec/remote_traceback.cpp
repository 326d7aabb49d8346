// See remote_traceback.h.
#include "codec/remote_traceback.h"

#include <utility>

#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// Placed after the data of the base.
struct Remote {
  PyObject* trace;  // owned; null: the text is in args
};

Remote& remote_of(PyObject* self) { return *static_cast<Remote*>(PyObject_GetTypeData(self, Py_TYPE(self))); }

PyTypeObject* base_type() { return reinterpret_cast<PyTypeObject*>(PyExc_Exception); }

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(remote_of(self).trace);
  return base_type()->tp_traverse(self, visit, arg);
}

int clear(PyObject* self) {
  Py_CLEAR(remote_of(self).trace);
  return base_type()->tp_clear(self);
}

void dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  PyObject_ClearWeakRefs(self);
  Py_CLEAR(remote_of(self).trace);
  PyObject_GC_Track(self);  // the base expects it
  base_type()->tp_dealloc(self);
  Py_DECREF(type);
}

PyObject* get_args(PyObject* self, void*) { return settle_remote_traceback(self) ? PyException_GetArgs(self) : nullptr; }

int set_args(PyObject* self, PyObject* value, void*) {
  if (value == nullptr) return PyErr_SetString(PyExc_TypeError, "args may not be deleted"), -1;
  const py::Ref args = py::Ref::steal(PySequence_Tuple(value));
  if (!args) return -1;
  PyException_SetArgs(self, args.get());
  Py_CLEAR(remote_of(self).trace);
  return 0;
}

PyObject* to_str(PyObject* self) { return settle_remote_traceback(self) ? base_type()->tp_str(self) : nullptr; }

PyObject* to_repr(PyObject* self) { return settle_remote_traceback(self) ? base_type()->tp_repr(self) : nullptr; }

PyObject* reduce(PyObject* self, PyObject*) {
  if (!settle_remote_traceback(self)) return nullptr;
  return PyObject_CallMethod(PyExc_Exception, "__reduce__", "O", self);
}

PyGetSetDef kTracebackGetSet[] = {
    {"args", get_args, set_args, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMethodDef kTracebackMethods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

constexpr char kDoc[] =
    "The traceback of a worker, as text. It is the innermost cause of an exception that came from a worker.\n\n"
    "ProcessPoolExecutor keeps tracebacks in the same way.";

PyType_Slot kTracebackSlots[] = {
    {Py_tp_doc, const_cast<char*>(kDoc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_str, reinterpret_cast<void*>(to_str)},
    {Py_tp_repr, reinterpret_cast<void*>(to_repr)},
    {Py_tp_getset, kTracebackGetSet},
    {Py_tp_methods, kTracebackMethods},
    {0, nullptr},
};

PyType_Spec kTracebackSpec = {
    .name = "aiointerpreters.errors.RemoteTraceback",
    .basicsize = -static_cast<int>(sizeof(Remote)),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MANAGED_WEAKREF,
    .slots = kTracebackSlots,
};

}  // namespace

py::Ref make_remote_traceback_type(PyObject* module) {
  const py::Ref bases = py::Ref::steal(PyTuple_Pack(1, PyExc_Exception));
  return bases ? py::Ref::steal(PyType_FromModuleAndSpec(module, &kTracebackSpec, bases.get())) : py::Ref();
}

py::Ref make_remote_traceback(const Runtime& runtime, PyObject* content) {
  if (PyUnicode_Check(content)) return py::Ref::steal(PyObject_CallOneArg(runtime.remote_traceback.get(), content));
  py::Ref made = py::Ref::steal(PyObject_CallNoArgs(runtime.remote_traceback.get()));
  if (made) remote_of(made.get()).trace = Py_NewRef(content);
  return made;
}

py::Ref content_of_remote_traceback(PyObject* exception) {
  if (remote_of(exception).trace != nullptr) return py::Ref::borrow(remote_of(exception).trace);
  const py::Ref args = py::Ref::steal(PyException_GetArgs(exception));
  const bool has_text = args && PyTuple_GET_SIZE(args.get()) == 1 && PyUnicode_CheckExact(PyTuple_GET_ITEM(args.get(), 0));
  return has_text ? py::Ref::borrow(PyTuple_GET_ITEM(args.get(), 0)) : py::Ref();
}

bool settle_remote_traceback(PyObject* exception) {
  if (remote_of(exception).trace == nullptr) return true;
  const py::Ref trace = py::Ref::borrow(remote_of(exception).trace);
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._traceback_text"));
  const py::Ref text =
      module ? py::Ref::steal(PyObject_CallMethod(module.get(), "format_trace", "(O)", trace.get())) : py::Ref();
  const py::Ref args = text ? py::Ref::steal(PyTuple_Pack(1, text.get())) : py::Ref();
  if (!args) return false;
  if (remote_of(exception).trace == trace.get()) {  // otherwise some code has set args meanwhile
    PyException_SetArgs(exception, args.get());
    Py_CLEAR(remote_of(exception).trace);
  }
  return true;
}

}  // namespace aiointerpreters::codec
