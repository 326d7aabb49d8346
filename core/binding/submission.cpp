// See submission.h.
#include "binding/submission.h"

#include <cstring>
#include <memory>
#include <utility>

#include "binding/passed_call.h"
#include "codec/callable_table.h"
#include "py/error.h"
#include "py/partial.h"

namespace aiointerpreters::binding {

namespace {

constexpr int kMaxDepth = 1000;
constexpr int kMaxPasses = 16;  // a function may pass its call on to itself

// Whether `module` is the one in which operator.call is. Quick.
bool is_operator_module(PyObject* module) noexcept {
  const PyModuleDef* const definition = PyModule_CheckExact(module) ? PyModule_GetDef(module) : nullptr;
  return definition != nullptr && std::strcmp(definition->m_name, "_operator") == 0;
}

// Whether `fn` is a builtin that calls its first argument with the others: the method `run` of a contextvars.Context, or
// operator.call. -1 with an exception set.
int is_caller(PyObject* fn) {
  if (!PyCFunction_CheckExact(fn)) return 0;
  PyObject* const self = PyCFunction_GetSelf(fn);  // borrowed
  const bool is_of_context = self != nullptr && PyContext_CheckExact(self);
  if (self == nullptr || (!is_of_context && !is_operator_module(self))) return 0;
  const py::Ref name = py::Ref::steal(PyObject_GetAttrString(fn, "__name__"));
  return name ? PyUnicode_EqualToUTF8(name.get(), is_of_context ? "run" : "call") : -1;
}

bool is_method_of_tag(const ModuleState& state, PyObject* callable) noexcept {
  return PyMethod_Check(callable) && is_tag(state, PyMethod_GET_FUNCTION(callable));
}

// Whether a call of the function returns an object that then runs its code. A function that passes such a call on returns
// this object, so its caller expects one. `is_awaited`: the caller awaits what the function returns. Runs Python.
bool returns_running_code(const ModuleState& state, PyObject* callable, bool is_awaited) {
  const py::Ref inside = py::inside_partials(callable);
  const PythonCall call = inside ? python_call(inside.get()) : PythonCall();
  constexpr int kGenerators = CO_GENERATOR | CO_ASYNC_GENERATOR | CO_ITERABLE_COROUTINE;
  if (call.function) {
    const int flags = reinterpret_cast<const PyCodeObject*>(PyFunction_GET_CODE(call.function.get()))->co_flags;
    if ((flags & kGenerators) != 0) return true;
  }
  return !is_awaited && codec::is_coroutine_function(state.runtime, callable);
}

// How the function passes its call on; null if it does something of its own. Borrows from the table. Runs Python: the
// collector. Errors: std::bad_alloc.
const py::PassOn* way_of(ModuleState& state, PyObject* function) {
  PyObject* const code = PyFunction_GET_CODE(function);
  auto* const object = reinterpret_cast<PyCodeObject*>(code);
  if (!py::PassOn::may_be(object)) return nullptr;
  if (const auto* const known = state.passes.find(code)) return known->get();
  auto way = std::make_unique<py::PassOn>();
  if (!way->read(object)) way.reset();
  const py::PassOn* const found = way.get();
  state.passes.set(code, std::move(way));
  return state.passes.find(code) != nullptr ? found : nullptr;  // it is remembered, unless there was no memory
}

// Whether opening it may lead to a tag. Quick.
bool may_lead_to_tag(const ModuleState& state, PyObject* callable) noexcept {
  if (is_tag(state, callable) || py::is_partial(callable) || is_method_of_tag(state, callable)) return true;
  if (Py_IS_TYPE(callable, &PyStaticMethod_Type)) return true;
  const int calls_another = is_caller(callable);
  if (calls_another < 0) PyErr_Clear();
  if (calls_another > 0) return true;
  const PythonCall call = python_call(callable);
  return call.function &&
         py::PassOn::may_be(reinterpret_cast<const PyCodeObject*>(PyFunction_GET_CODE(call.function.get())));
}

}  // namespace

bool Submission::open(ModuleState& state, bool untagged) {
  if (is_tag(state, fn_) && !py::is_partial(tagged_callable(fn_))) {
    take_tag();
    return true;
  }
  Submission opened(fn_, args_, nargs_, kwnames_);
  Step step = opened.open_all(state, true);
  const bool is_passed = step == Step::kInnermost && opened.passes_ > 0;
  if (is_passed && (!opened.tagged() || returns_running_code(state, opened.fn_, untagged))) {
    opened = Submission(fn_, args_, nargs_, kwnames_);
    step = opened.open_all(state, false);
  }
  if (step == Step::kInnermost && (untagged || opened.tagged())) *this = std::move(opened);
  return step != Step::kFailed;
}

Submission::Step Submission::open_all(ModuleState& state, bool functions_too) {
  Step step = Step::kOpened;
  for (int depth = 0; step == Step::kOpened; ++depth) {
    if (depth == kMaxDepth) {  // a partial may contain itself
      PyErr_SetString(PyExc_RecursionError, "the callable is wrapped in too many partial objects");
      return Step::kFailed;
    }
    step = open_one(state, functions_too);
  }
  return step;
}

void Submission::keep_tag(PyObject* tag) noexcept {
  kept_tag_ = py::Ref::borrow(tag);
  if (declared_context_ == nullptr) kept_declared_ = py::Ref::borrow(tagged_context(tag));
}

void Submission::take_tag(PyObject* tag, PyObject* inner) noexcept {
  tag_ = tag;
  fn_ = inner;
  if (declared_context_ == nullptr) declared_context_ = tagged_context(tag);
  if (!routing_.is_set()) routing_ = tagged_routing(tag);
}

codec::CallablePtr Submission::describe(ModuleState& state) const {
  if (tag_ != nullptr && tagged_callable(tag_) == fn_) return describe_tagged(state, tag_);
  return describe_callable(state, fn_);
}

Submission::Step Submission::open_one(ModuleState& state, bool functions_too) {
  if (is_tag(state, fn_)) {
    keep_tag(fn_);
    take_tag();
    return Step::kOpened;
  }
  if (py::is_partial(fn_)) return open_partial(state);
  if (is_method_of_tag(state, fn_)) {
    keep_tag(PyMethod_GET_FUNCTION(fn_));
    take_tag(PyMethod_GET_FUNCTION(fn_), fn_);  // the bound method crosses
    return Step::kInnermost;
  }
  if (Py_IS_TYPE(fn_, &PyStaticMethod_Type)) {
    py::Ref inner = py::Ref::steal(PyObject_GetAttrString(fn_, "__func__"));
    if (!inner) return Step::kFailed;
    return set_fn(std::move(inner)), Step::kOpened;
  }
  if (functions_too && tag_ == nullptr) {
    if (const PythonCall call = python_call(fn_); call.function) return open_function(state, call);
  }
  const int calls_another = nargs_ > 0 ? is_caller(fn_) : 0;
  if (calls_another < 0) return Step::kFailed;
  if (calls_another == 0) return Step::kInnermost;
  PyObject* const self = PyCFunction_GetSelf(fn_);
  if (PyContext_CheckExact(self)) context_ = py::Ref::borrow(self);
  set_fn(py::Ref::borrow(args_[0]));
  ++args_;
  --nargs_;
  return Step::kOpened;
}

Submission::Step Submission::open_partial(const ModuleState& state) {
  py::Ref args = py::Ref::steal(PyObject_GetAttrString(fn_, "args"));
  py::Ref keywords = py::Ref::steal(PyObject_GetAttrString(fn_, "keywords"));
  py::Ref inner = py::Ref::steal(PyObject_GetAttrString(fn_, "func"));
  if (!args || !keywords || !inner || !prepend(args.get(), keywords.get(), state.placeholder.get())) return Step::kFailed;
  set_fn(std::move(inner));
  return Step::kOpened;
}

Submission::Step Submission::open_function(ModuleState& state, const PythonCall& object) {
  const py::PassOn* const way = passes_ < kMaxPasses ? way_of(state, object.function.get()) : nullptr;
  if (way == nullptr) return Step::kInnermost;
  PassedCall call(state, *way, object.function.get(), object.self, args_, nargs_, kwnames_);
  PyObject* const callee = call.find_callee();
  if (callee == nullptr || !may_lead_to_tag(state, callee) || !call.find_arguments()) return Step::kInnermost;
  ++passes_;
  set_arguments(call.take_arguments(), call.take_names());
  set_fn(call.take_callee());
  return Step::kOpened;
}

bool Submission::prepend(PyObject* args, PyObject* keywords, PyObject* placeholder) {
  // As in partial: its keywords come first, and those of the call override them.
  py::Ref merged = py::Ref::steal(PyDict_Copy(keywords));
  const Py_ssize_t named = kwnames_ == nullptr ? 0 : PyTuple_GET_SIZE(kwnames_);
  for (Py_ssize_t i = 0; merged && i < named; ++i) {
    if (PyDict_SetItem(merged.get(), PyTuple_GET_ITEM(kwnames_, i), args_[nargs_ + i]) < 0) return false;
  }
  if (!merged) return false;
  const Py_ssize_t before = PyTuple_GET_SIZE(args);
  // Each functools.Placeholder (3.14) is replaced by one of the call's first arguments.
  Py_ssize_t holes = 0;
  for (Py_ssize_t i = 0; i < before; ++i) holes += PyTuple_GET_ITEM(args, i) == placeholder ? 1 : 0;
  if (nargs_ < holes) {
    PyErr_Format(PyExc_TypeError, "missing positional arguments in 'partial' call; expected at least %zd, got %zd", holes,
                 nargs_);
    return false;
  }
  const Py_ssize_t positional = before + nargs_ - holes;
  const Py_ssize_t keyword_count = PyDict_GET_SIZE(merged.get());
  py::Ref all = py::Ref::steal(PyTuple_New(positional + keyword_count));
  py::Ref names = py::Ref::steal(PyTuple_New(keyword_count));
  if (!all || !names) return false;
  PyObject* const* next = args_;
  for (Py_ssize_t i = 0; i < positional; ++i) {
    const bool given = i < before && PyTuple_GET_ITEM(args, i) != placeholder;
    PyTuple_SET_ITEM(all.get(), i, Py_NewRef(given ? PyTuple_GET_ITEM(args, i) : *next++));
  }
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  for (Py_ssize_t i = 0; PyDict_Next(merged.get(), &position, &key, &value) != 0; ++i) {
    PyTuple_SET_ITEM(names.get(), i, Py_NewRef(key));
    PyTuple_SET_ITEM(all.get(), positional + i, Py_NewRef(value));
  }
  set_arguments(std::move(all), std::move(names));
  return true;
}

void Submission::set_arguments(py::Ref arguments, py::Ref names) noexcept {
  kept_args_ = std::move(arguments);
  kept_kwnames_ = std::move(names);
  const Py_ssize_t named = kept_kwnames_ ? PyTuple_GET_SIZE(kept_kwnames_.get()) : 0;
  args_ = PySequence_Fast_ITEMS(kept_args_.get());
  nargs_ = PyTuple_GET_SIZE(kept_args_.get()) - named;
  kwnames_ = named > 0 ? kept_kwnames_.get() : nullptr;
}

void Submission::set_fn(py::Ref fn) noexcept {
  fn_ = fn.get();
  kept_fn_ = std::move(fn);
}

}  // namespace aiointerpreters::binding
