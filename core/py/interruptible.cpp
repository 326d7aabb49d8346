// See interruptible.h.
#include "py/interruptible.h"

#include <algorithm>
#include <string>
#include <utility>

#include "py/condition_wait.h"
#include "py/frame.h"

namespace aiointerpreters::py {

namespace {

constexpr const char* kHookName = "unraisablehook";

}  // namespace

void Interruptible::begin(const void* what) noexcept {
  what_ = what;
  ++stretches_;
  winding_up_ = is_told_ = false;
  thread_ = PyThread_get_thread_ident();
  state_ = PyThreadState_Get();
}

void Interruptible::end() {
  what_ = nullptr;
  import_.reset();
  if (type_ == nullptr) return;
  type_ = nullptr;
  PyThreadState_SetAsyncExc(thread_, nullptr);
  if (hook_ && PySys_GetObject(kHookName) == hook_->get()) PySys_SetObject(kHookName, former_hook_.get());
  PyErr_Clear();
}

const void* Interruptible::between() noexcept {
  static constexpr char kMark = 0;  // only its address counts
  return &kMark;
}

bool Interruptible::does(const void* what) const noexcept {
  if (what_ != nullptr) return what == what_;
  return thread_ != 0 && what == between();
}

void Interruptible::begin_pass(std::size_t beside) {
  ++passes_;
  begin_between(beside);
}

void Interruptible::begin_between(std::size_t beside) {
  ++stretches_;
  beside_ = beside;
  thread_ = PyThread_get_thread_ident();
  state_ = PyThreadState_Get();
  if (type_ != nullptr) end();  // it was set for work that has ended meanwhile
}

void Interruptible::leave() noexcept {
  if (thread_ != 0) PyThreadState_SetAsyncExc(thread_, nullptr);  // nothing is left to stop
  what_ = nullptr;
  beside_ = 0;
  thread_ = 0;
  state_ = nullptr;
}

void Interruptible::interrupt(const void* what, PyObject* type) {
  if (does(what)) raise(type);
}

unsigned Interruptible::import_of(const void* what) {
  if (!does(what) || state_ == nullptr) return 0;
  Ref outermost;
  Ref frame = Ref::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(state_)));
  while (frame) {
    const Ref file = code_attribute(frame.get(), "co_filename");
    if (file && PyUnicode_Check(file.get()) && PyUnicode_EqualToUTF8(file.get(), "<frozen importlib._bootstrap>") != 0) {
      outermost = Ref::borrow(frame.get());
    }
    frame = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(frame.get()))));
  }
  PyErr_Clear();
  if (!outermost) return 0;
  if (outermost.get() != import_.get()) {
    import_ = std::move(outermost);
    ++imports_;
  }
  return imports_;
}

bool Interruptible::runs_code_of(std::initializer_list<std::string_view> packages) const {
  if (state_ == nullptr) return false;
  const Ref frame = Ref::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(state_)));
  const std::string module = frame ? module_of(frame.get()) : std::string();
  return std::ranges::any_of(packages, [&](std::string_view package) {
    return module.starts_with(package) && (module.size() == package.size() || module[package.size()] == '.');
  });
}

void Interruptible::insist(const void* what, PyObject* type) {
  if (winding_up_) interrupt(what, type);
}

void Interruptible::stop(PyObject* type) {
  stopping_ = true;
  if (what_ != nullptr) raise(type);
}

bool Interruptible::check() const {
  if (type_ == nullptr || !is_thread(PyThread_get_thread_ident())) return true;
  // Running any Python code makes CPython check for such exceptions.
  const Ref code = Ref::steal(Py_CompileString("None", "<aiointerpreters>", Py_eval_input));
  const Ref names = Ref::steal(PyDict_New());
  return code && names && Ref::steal(PyEval_EvalCode(code.get(), names.get(), names.get()));
}

void Interruptible::raise(PyObject* type) {
  type_ = type;
  is_told_ = true;
  watch_lost();
  raise_in_thread(type);
}

void Interruptible::raise_in_thread(PyObject* type) const {
  PyThreadState_SetAsyncExc(thread_, type);
  if (state_ != nullptr) wake_condition_wait(Ref::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(state_))));
}

void Interruptible::watch_lost() {
  static PyMethodDef definition = {kHookName, on_unraisable, METH_O, nullptr};
  if (!hook_) hook_.emplace(definition, this);
  PyObject* const current = PySys_GetObject(kHookName);  // borrowed
  if (hook_->get() != nullptr && current != nullptr && current != hook_->get()) {
    former_hook_ = Ref::borrow(current);
    PySys_SetObject(kHookName, hook_->get());
  }
  PyErr_Clear();
}

void Interruptible::raise_lost() {
  if (what_ != nullptr) PyThreadState_SetAsyncExc(thread_, type_);
}

PyObject* Interruptible::on_unraisable(PyObject* capsule, PyObject* unraisable) {
  Interruptible* const self = Callback<Interruptible>::target(capsule);
  const Ref type = self != nullptr ? Ref::steal(PyObject_GetAttrString(unraisable, "exc_type")) : Ref();
  if (!type) return nullptr;
  if (type.get() == self->type_) {
    self->raise_lost();
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
  if (done == nullptr && self->type_ != nullptr && PyErr_ExceptionMatches(self->type_) != 0) {  // raised in the hook
    PyErr_Clear();
    self->raise_lost();
    Py_RETURN_NONE;
  }
  return done;
}

}  // namespace aiointerpreters::py
