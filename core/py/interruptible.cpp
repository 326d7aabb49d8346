// See interruptible.h.
#include "py/interruptible.h"

#include <utility>

namespace aiointerpreters::py {

namespace {

constexpr const char* kHook = "unraisablehook";

// Raises SystemExit in all threads that `threading` knows but one. Errors: none, it does what it can.
void end_other_threads(unsigned long own) {
  const Ref name = Ref::steal(PyUnicode_FromString("threading"));
  const Ref threading = name ? Ref::steal(PyImport_GetModule(name.get())) : Ref();
  const Ref list = threading ? Ref::steal(PyObject_CallMethod(threading.get(), "enumerate", nullptr)) : Ref();
  const Ref threads = list ? Ref::steal(PySequence_Tuple(list.get())) : Ref();
  for (Py_ssize_t i = 0; threads && i < PyTuple_GET_SIZE(threads.get()); ++i) {
    const Ref ident = Ref::steal(PyObject_GetAttrString(PyTuple_GET_ITEM(threads.get(), i), "ident"));
    const unsigned long thread = ident && PyLong_Check(ident.get()) ? PyLong_AsUnsignedLong(ident.get()) : own;
    if (PyErr_Occurred() == nullptr && thread != own) PyThreadState_SetAsyncExc(thread, PyExc_SystemExit);
    PyErr_Clear();
  }
  PyErr_Clear();
}

}  // namespace

void Interruptible::begin(const void* what) noexcept {
  what_ = what;
  ++turns_;
  winding_up_ = false;
  thread_ = PyThread_get_thread_ident();
  state_ = PyThreadState_Get();
}

void Interruptible::end() {
  what_ = nullptr;
  import_.reset();
  if (type_ == nullptr) return;
  type_ = nullptr;
  PyThreadState_SetAsyncExc(thread_, nullptr);
  if (hook_ && PySys_GetObject(kHook) == hook_->get()) PySys_SetObject(kHook, former_hook_.get());
  PyErr_Clear();
}

void Interruptible::interrupt(const void* what, PyObject* type) {
  if (what_ != nullptr && what_ == what) raise(type);
}

unsigned Interruptible::import_of(const void* what) {
  if (what_ == nullptr || what_ != what) return 0;
  Ref outermost;
  Ref frame = Ref::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(state_)));
  while (frame) {
    auto* const current = reinterpret_cast<PyFrameObject*>(frame.get());
    const Ref code = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(current)));
    const Ref file = Ref::steal(PyObject_GetAttrString(code.get(), "co_filename"));
    if (file && PyUnicode_Check(file.get()) && PyUnicode_EqualToUTF8(file.get(), "<frozen importlib._bootstrap>") != 0) {
      outermost = Ref::borrow(frame.get());
    }
    frame = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(current)));
  }
  PyErr_Clear();
  if (!outermost) return 0;
  if (outermost.get() != import_.get()) {
    import_ = std::move(outermost);
    ++imports_;
  }
  return imports_;
}

void Interruptible::insist(const void* what, PyObject* type) {
  if (winding_up_) interrupt(what, type);
}

void Interruptible::stop(PyObject* type) {
  stopping_ = true;
  if (what_ != nullptr) raise(type);
  end_other_threads(thread_);
}

bool Interruptible::check() const {
  if (type_ == nullptr || !is_thread(PyThread_get_thread_ident())) return true;
  // CPython looks for such exceptions where a piece of Python code begins.
  const Ref code = Ref::steal(Py_CompileString("None", "<aiointerpreters>", Py_eval_input));
  const Ref names = Ref::steal(PyDict_New());
  return code && names && Ref::steal(PyEval_EvalCode(code.get(), names.get(), names.get()));
}

void Interruptible::raise(PyObject* type) {
  type_ = type;
  watch_lost();
  PyThreadState_SetAsyncExc(thread_, type);
}

void Interruptible::watch_lost() {
  static PyMethodDef definition = {kHook, on_unraisable, METH_O, nullptr};
  if (!hook_) hook_.emplace(definition, this);
  PyObject* const current = PySys_GetObject(kHook);  // borrowed
  if (hook_->get() != nullptr && current != nullptr && current != hook_->get()) {
    former_hook_ = Ref::borrow(current);
    PySys_SetObject(kHook, hook_->get());
  }
  PyErr_Clear();
}

PyObject* Interruptible::on_unraisable(PyObject* capsule, PyObject* unraisable) {
  Interruptible* const self = Callback<Interruptible>::target(capsule);
  const Ref type = self != nullptr ? Ref::steal(PyObject_GetAttrString(unraisable, "exc_type")) : Ref();
  if (!type) return nullptr;
  if (type.get() == self->type_) {
    PyThreadState_SetAsyncExc(self->thread_, type.get());
    Py_RETURN_NONE;
  }
  if (self->passing_on_) {
    PyObject* const standard = PySys_GetObject("__unraisablehook__");  // borrowed
    return standard != nullptr ? PyObject_CallOneArg(standard, unraisable) : Py_NewRef(Py_None);
  }
  const Ref former = Ref::borrow(self->former_hook_.get());
  self->passing_on_ = true;
  PyObject* const done = former ? PyObject_CallOneArg(former.get(), unraisable) : Py_NewRef(Py_None);
  self->passing_on_ = false;
  if (done == nullptr && self->type_ != nullptr && PyErr_ExceptionMatches(self->type_) != 0) {  // it hit the hook itself
    PyErr_Clear();
    PyThreadState_SetAsyncExc(self->thread_, self->type_);
    Py_RETURN_NONE;
  }
  return done;
}

}  // namespace aiointerpreters::py
