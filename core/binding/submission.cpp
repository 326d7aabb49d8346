// See submission.h.
#include "binding/submission.h"

#include <utility>

#include "py/partial.h"

namespace aiointerpreters::binding {

namespace {

constexpr int kMaxDepth = 1000;

// Whether `fn` is the method `run` of a contextvars.Context. -1 with an exception set.
int is_context_run(PyObject* fn) {
  if (!PyCFunction_CheckExact(fn)) return 0;
  PyObject* const self = PyCFunction_GetSelf(fn);  // borrowed
  if (self == nullptr || !PyContext_CheckExact(self)) return 0;
  py::Ref name = py::Ref::steal(PyObject_GetAttrString(fn, "__name__"));
  return name ? PyUnicode_EqualToUTF8(name.get(), "run") : -1;
}

}  // namespace

bool Submission::open(const ModuleState& state, bool untagged) {
  if (is_tag(state, fn_) && !py::is_partial(tagged_callable(fn_))) {
    take_tag();
    return true;
  }
  Submission opened(fn_, args_, nargs_, kwnames_);
  Step step = Step::kOpened;
  for (int depth = 0; step == Step::kOpened; ++depth) {
    if (depth == kMaxDepth) {  // a partial may contain itself
      PyErr_SetString(PyExc_RecursionError, "the callable is wrapped in too many partial objects");
      return false;
    }
    step = opened.open_one(state);
  }
  if (step == Step::kInnermost && (untagged || opened.tagged())) *this = std::move(opened);
  return step != Step::kFailed;
}

void Submission::take_tag(PyObject* tag, PyObject* inner) noexcept {
  tag_ = tag;
  fn_ = inner;
  if (declared_context_ == nullptr) declared_context_ = tagged_context(tag);
}

codec::CallablePtr Submission::describe(ModuleState& state) const {
  if (tag_ != nullptr && tagged_callable(tag_) == fn_) return describe_tagged(state, tag_);
  return describe_callable(state, fn_);
}

Submission::Step Submission::open_one(const ModuleState& state) {
  if (is_tag(state, fn_)) {
    take_tag();
    return Step::kOpened;
  }
  if (py::is_partial(fn_)) return open_partial(state);
  if (PyMethod_Check(fn_) && is_tag(state, PyMethod_GET_FUNCTION(fn_))) {
    take_tag(PyMethod_GET_FUNCTION(fn_), fn_);  // a classmethod around a tag; the bound method crosses
    return Step::kInnermost;
  }
  const int context_run = nargs_ > 0 ? is_context_run(fn_) : 0;
  if (context_run < 0) return Step::kFailed;
  if (context_run == 0) return Step::kInnermost;
  context_ = py::Ref::borrow(PyCFunction_GetSelf(fn_));
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
  kept_args_ = std::move(all);
  kept_kwnames_ = std::move(names);
  args_ = PySequence_Fast_ITEMS(kept_args_.get());
  nargs_ = positional;
  kwnames_ = keyword_count > 0 ? kept_kwnames_.get() : nullptr;
  return true;
}

void Submission::set_fn(py::Ref fn) noexcept {
  fn_ = fn.get();
  kept_fn_ = std::move(fn);
}

}  // namespace aiointerpreters::binding
