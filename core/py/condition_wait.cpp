// See condition_wait.h.
#include "py/condition_wait.h"

#include "py/python.h"

namespace aiointerpreters::py {

namespace {

// The code of `threading.Condition.wait`; null if `threading` has not been imported.
Ref code_of_wait() {
  const Ref name = Ref::steal(PyUnicode_FromString("threading"));
  const Ref threading = name ? Ref::steal(PyImport_GetModule(name.get())) : Ref();
  const Ref type = threading ? Ref::steal(PyObject_GetAttrString(threading.get(), "Condition")) : Ref();
  const Ref wait = type ? Ref::steal(PyObject_GetAttrString(type.get(), "wait")) : Ref();
  return wait ? Ref::steal(PyObject_GetAttrString(wait.get(), "__code__")) : Ref();
}

// Whether it is one of CPython's own locks. A library may use a lock of another type here, and may share it.
bool is_lock(const Ref& object) {
  const Ref name = Ref::steal(PyUnicode_FromString("_thread"));
  const Ref module = name ? Ref::steal(PyImport_GetModule(name.get())) : Ref();
  const Ref type = module ? Ref::steal(PyObject_GetAttrString(module.get(), "LockType")) : Ref();
  return type.get() == reinterpret_cast<PyObject*>(Py_TYPE(object.get()));
}

// Removes the lock from the waiters of the frame's condition. Returns whether it was one of them. If it was not, the wait
// has already been notified or woken.
bool remove_waiter(PyFrameObject* frame, const Ref& waiter) {
  const Ref condition = Ref::steal(PyFrame_GetVarString(frame, "self"));
  const Ref waiters = condition ? Ref::steal(PyObject_GetAttrString(condition.get(), "_waiters")) : Ref();
  return waiters && static_cast<bool>(Ref::steal(PyObject_CallMethod(waiters.get(), "remove", "O", waiter.get())));
}

}  // namespace

void wake_condition_wait(const Ref& frame) {
  auto* const innermost = reinterpret_cast<PyFrameObject*>(frame.get());
  const Ref code = frame ? Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(innermost))) : Ref();
  if (code && code.get() == code_of_wait().get()) {
    const Ref waiter = Ref::steal(PyFrame_GetVarString(innermost, "waiter"));
    // If the lock is not locked, the thread is awake or does not sleep yet. `release` then raises RuntimeError, which is
    // ignored.
    if (waiter && is_lock(waiter) && remove_waiter(innermost, waiter)) {
      static_cast<void>(Ref::steal(PyObject_CallMethod(waiter.get(), "release", nullptr)));
    }
  }
  PyErr_Clear();
}

}  // namespace aiointerpreters::py
