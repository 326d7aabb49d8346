// See stoppable_end.h.
#include "py/stoppable_end.h"

#include "py/ref.h"

namespace aiointerpreters::py {

namespace {

constexpr const char* kQuietHook = "unraisablehook";

// CPython can only report an exception that is raised in a finalizer. Here such a report would be useless.
PyObject* on_unraisable(PyObject*, PyObject* unraisable) {
  const Ref type = Ref::steal(PyObject_GetAttrString(unraisable, "exc_type"));
  if (!type) return nullptr;
  if (type.get() == PyExc_SystemExit) Py_RETURN_NONE;
  PyObject* const standard = PySys_GetObject("__unraisablehook__");  // borrowed
  return standard != nullptr ? PyObject_CallOneArg(standard, unraisable) : Py_NewRef(Py_None);
}

int on_event(PyObject* capsule, PyFrameObject*, int, PyObject*) {
  const auto* const stops = static_cast<const std::atomic<bool>*>(PyCapsule_GetPointer(capsule, nullptr));
  if (!stops->load(std::memory_order_acquire)) return 0;
  silence_stops();
  PyErr_SetNone(PyExc_SystemExit);
  return -1;
}

bool is_traced() {
  PyObject* const gettrace = PySys_GetObject("gettrace");  // borrowed
  const Ref trace = gettrace != nullptr ? Ref::steal(PyObject_CallNoArgs(gettrace)) : Ref();
  return trace.get() != Py_None;
}

}  // namespace

void silence_stops() {
  static PyMethodDef definition = {kQuietHook, on_unraisable, METH_O, nullptr};
  const Ref hook = Ref::steal(PyCFunction_New(&definition, nullptr));
  if (hook) PySys_SetObject(kQuietHook, hook.get());
  PyErr_Clear();
}

void begin_stoppable_end(const std::atomic<bool>& stops) {
  const Ref capsule = Ref::steal(PyCapsule_New(const_cast<std::atomic<bool>*>(&stops), nullptr, nullptr));
  if (capsule && !is_traced()) PyEval_SetTrace(on_event, capsule.get());
  PyErr_Clear();
}

}  // namespace aiointerpreters::py
