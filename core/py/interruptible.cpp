// See interruptible.h.
#include "py/interruptible.h"

#include <algorithm>
#include <utility>

namespace aiointerpreters::py {

namespace {

constexpr const char* kHook = "unraisablehook";

// Whether a thread of one of the standard library's executors, which runs that frame, has no call to run. It ends by a word that
// each thread passes on to the next.
bool is_idle(PyObject* frame) {
  const Ref code = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(reinterpret_cast<PyFrameObject*>(frame))));
  const Ref name = Ref::steal(PyObject_GetAttrString(code.get(), "co_name"));
  const Ref names = Ref::steal(PyFrame_GetGlobals(reinterpret_cast<PyFrameObject*>(frame)));
  PyObject* const module = names ? PyDict_GetItemString(names.get(), "__name__") : nullptr;  // borrowed
  return name && PyUnicode_EqualToUTF8(name.get(), "_worker") != 0 && module != nullptr && PyUnicode_Check(module) &&
         PyUnicode_EqualToUTF8(module, "concurrent.futures.thread") != 0;
}

}  // namespace

void Interruptible::begin(const void* what) noexcept {
  what_ = what;
  ++turns_;
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
  if (hook_ && PySys_GetObject(kHook) == hook_->get()) PySys_SetObject(kHook, former_hook_.get());
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

void Interruptible::note_turn(std::size_t beside) {
  ++turns_;
  beside_ = beside;
  thread_ = PyThread_get_thread_ident();
  state_ = PyThreadState_Get();
  if (type_ != nullptr) end();  // it was for what has ended meanwhile
}

void Interruptible::leave() noexcept {
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

bool Interruptible::runs_code_of(std::initializer_list<std::string_view> packages) const {
  if (state_ == nullptr) return false;
  const Ref frame = Ref::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(state_)));
  const Ref names = frame ? Ref::steal(PyFrame_GetGlobals(reinterpret_cast<PyFrameObject*>(frame.get()))) : Ref();
  PyObject* const name = names ? PyDict_GetItemString(names.get(), "__name__") : nullptr;  // borrowed
  const char* const text = name != nullptr && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
  PyErr_Clear();
  if (text == nullptr) return false;
  const std::string_view module(text);
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
  // CPython looks for such exceptions where a piece of Python code begins.
  const Ref code = Ref::steal(Py_CompileString("None", "<aiointerpreters>", Py_eval_input));
  const Ref names = Ref::steal(PyDict_New());
  return code && names && Ref::steal(PyEval_EvalCode(code.get(), names.get(), names.get()));
}

void Interruptible::raise(PyObject* type) {
  type_ = type;
  is_told_ = true;
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
  if (done == nullptr && self->type_ != nullptr && PyErr_ExceptionMatches(self->type_) != 0) {  // it hit the hook itself
    PyErr_Clear();
    self->raise_lost();
    Py_RETURN_NONE;
  }
  return done;
}

void end_other_threads(std::initializer_list<unsigned long> spared) {
  const Ref name = Ref::steal(PyUnicode_FromString("threading"));
  const Ref threading = name ? Ref::steal(PyImport_GetModule(name.get())) : Ref();
  const Ref list = threading ? Ref::steal(PyObject_CallMethod(threading.get(), "enumerate", nullptr)) : Ref();
  const Ref threads = list ? Ref::steal(PySequence_Tuple(list.get())) : Ref();
  PyObject* const look = PySys_GetObject("_current_frames");  // borrowed
  const Ref frames = threads && look != nullptr ? Ref::steal(PyObject_CallNoArgs(look)) : Ref();
  for (Py_ssize_t i = 0; threads && i < PyTuple_GET_SIZE(threads.get()); ++i) {
    PyObject* const each = PyTuple_GET_ITEM(threads.get(), i);
    if (PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(each)), "is_spared") != 0) continue;
    const Ref ident = Ref::steal(PyObject_GetAttrString(each, "ident"));
    const unsigned long thread = ident && PyLong_Check(ident.get()) ? PyLong_AsUnsignedLong(ident.get()) : 0;
    PyObject* const frame = frames && ident ? PyDict_GetItemWithError(frames.get(), ident.get()) : nullptr;  // borrowed
    const bool is_spared =
        thread == 0 || std::ranges::find(spared, thread) != spared.end() || (frame != nullptr && is_idle(frame));
    if (PyErr_Occurred() == nullptr && !is_spared) PyThreadState_SetAsyncExc(thread, PyExc_SystemExit);
    PyErr_Clear();
  }
  PyErr_Clear();
}

}  // namespace aiointerpreters::py
