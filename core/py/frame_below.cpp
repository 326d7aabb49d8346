// See frame_below.h.
#include "py/frame_below.h"

#include "py/compat.h"
#include "py/error.h"

namespace aiointerpreters::py {

namespace {

// Profilers and debuggers show the name of this function.
constexpr char kSource[] = "def wait_for_calls(serve):\n    serve()\n";

struct Body {
  void (*call)(void*);
  void* body;
};

// Works only once. If code keeps it and calls it again, it raises RuntimeError.
PyObject* serve(PyObject* capsule, PyObject*) {
  const auto* const body = static_cast<const Body*>(PyCapsule_GetContext(capsule));
  if (body == nullptr)
    return PyErr_Format(PyExc_RuntimeError, "only the worker's own thread can run the calls of its interpreter");
  PyCapsule_SetContext(capsule, nullptr);
  body->call(body->body);
  Py_RETURN_NONE;
}

}  // namespace

bool FrameBelow::make() {
  if (!kIdleThreadsNeedFrames) return true;
  const Ref code = Ref::steal(Py_CompileString(kSource, "<aiointerpreters>", Py_file_input));
  const Ref names = Ref::steal(Py_BuildValue("{sssO}", "__name__", "aiointerpreters", "__builtins__", PyEval_GetBuiltins()));
  if (!code || !names || !Ref::steal(PyEval_EvalCode(code.get(), names.get(), names.get()))) return false;
  function_ = Ref::borrow(PyDict_GetItemString(names.get(), "wait_for_calls"));
  return static_cast<bool>(function_);
}

void FrameBelow::enter(void (*call)(void*), void* body) {
  static PyMethodDef definition = {"serve", serve, METH_NOARGS, nullptr};
  Body both{call, body};
  const Ref capsule = function_ ? Ref::steal(PyCapsule_New(this, nullptr, nullptr)) : Ref();
  const Ref native = capsule ? Ref::steal(PyCFunction_New(&definition, capsule.get())) : Ref();
  if (native && PyCapsule_SetContext(capsule.get(), &both) == 0) {
    static_cast<void>(Ref::steal(PyObject_CallOneArg(function_.get(), native.get())));
  }
  PyErr_Clear();
  const bool is_done = native && PyCapsule_GetContext(capsule.get()) == nullptr;
  if (native) PyCapsule_SetContext(capsule.get(), nullptr);
  // If there is no memory for the frame, or an exception came before the call, the body runs without a frame.
  if (!is_done) call(body);
}

}  // namespace aiointerpreters::py
