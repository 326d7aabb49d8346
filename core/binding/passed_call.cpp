// See passed_call.h.
#include "binding/passed_call.h"

#include <algorithm>
#include <cstring>

#include "binding/plain_attribute.h"

namespace aiointerpreters::binding {

namespace {

using Op = py::PassOn::Op;

PyFunctionObject* as_function(const py::Ref& function) noexcept {
  return reinterpret_cast<PyFunctionObject*>(function.get());
}
const PyCodeObject* as_code(const py::Ref& code) noexcept { return reinterpret_cast<const PyCodeObject*>(code.get()); }

// A global that will be imported when the function's code reads it (PEP 810, 3.15).
bool is_lazy_import(PyObject* object) noexcept { return std::strcmp(Py_TYPE(object)->tp_name, "lazy_import") == 0; }

PyObject* const* items_of(PyObject* list_or_tuple) noexcept { return PySequence_Fast_ITEMS(list_or_tuple); }
bool is_list_or_tuple(PyObject* object) noexcept { return PyTuple_CheckExact(object) || PyList_CheckExact(object); }

}  // namespace

PassedCall::PassedCall(const ModuleState& state, const py::PassOn& how, PyObject* function, PyObject* self,
                       PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) noexcept
    : state_(state),
      how_(how),
      function_(py::Ref::borrow(function)),
      code_(py::Ref::borrow(PyFunction_GET_CODE(function))),
      self_(self),
      args_(args),
      nargs_(nargs),
      kwnames_(kwnames) {}

PyObject* PassedCall::find_callee() { return run(0, how_.callee_steps()) ? stack_.front().object.get() : nullptr; }

bool PassedCall::find_arguments() { return run(how_.callee_steps(), how_.steps().size()); }

bool PassedCall::run(std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) {
    if (!take(how_.steps()[i])) return PyErr_Clear(), false;
  }
  return true;
}

bool PassedCall::take(py::PassOn::Step step) {
  switch (step.op) {
    case Op::kLocal:
      return push_local(step.argument);
    case Op::kFree:
      return push_free(step.argument);
    case Op::kGlobal:
      return push_global(step.argument);
    case Op::kConstant:
      return push_item(as_code(code_)->co_consts, step.argument);
    case Op::kSmallNumber:
      return push(py::Ref::steal(PyLong_FromLong(step.argument)));
    case Op::kCommonConstant:
      return push_common(step.argument);
    case Op::kAttribute:
      return load_attribute(step.argument);
    case Op::kNull:
      stack_.emplace_back();
      return true;
    case Op::kTuple:
    case Op::kList:
    case Op::kDict:
      return push_built(step.op, step.argument);
    case Op::kDictOfNames:
      return push_dict_of_names(step.argument);
    case Op::kExtendList:
    case Op::kAppendToList:
    case Op::kMergeDict:
      return extend(step.op, step.argument);
    case Op::kListToTuple:
      return make_tuple();
    case Op::kCall:
    case Op::kCallWithNames:
      return call(step.argument, step.op == Op::kCallWithNames);
    case Op::kCallUnpacked:
    case Op::kCallUnpackedTwo:
      return call_unpacked(step.op == Op::kCallUnpackedTwo);
  }
  return false;
}

// ---- Values

bool PassedCall::push(py::Ref object, bool is_built) {
  if (!object || is_lazy_import(object.get())) return false;
  stack_.push_back({std::move(object), is_built});
  return true;
}

bool PassedCall::push_item(PyObject* tuple, std::size_t index) {
  return index < static_cast<std::size_t>(PyTuple_GET_SIZE(tuple)) &&
         push(py::Ref::borrow(PyTuple_GET_ITEM(tuple, static_cast<Py_ssize_t>(index))));
}

bool PassedCall::push_local(std::size_t index) {
  if (locals_.empty() && !bind()) return false;
  return index < locals_.size() && push(py::Ref::borrow(locals_[index].get()));
}

bool PassedCall::push_free(std::size_t index) {
  PyObject* const cells = PyFunction_GET_CLOSURE(function_.get());
  if (cells == nullptr || index >= static_cast<std::size_t>(PyTuple_GET_SIZE(cells))) return false;
  return push(py::Ref::steal(PyCell_Get(PyTuple_GET_ITEM(cells, static_cast<Py_ssize_t>(index)))));
}

bool PassedCall::push_global(std::size_t index) {
  PyObject* const names = as_code(code_)->co_names;
  if (index >= static_cast<std::size_t>(PyTuple_GET_SIZE(names))) return false;
  PyObject* const name = PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(index));
  for (PyObject* const variables : {PyFunction_GET_GLOBALS(function_.get()), as_function(function_)->func_builtins}) {
    if (!PyDict_CheckExact(variables)) return false;
    if (PyObject* const value = PyDict_GetItemWithError(variables, name)) return push(py::Ref::borrow(value));
    if (PyErr_Occurred() != nullptr) return false;
  }
  return false;
}

bool PassedCall::push_common(std::size_t index) {
  // The only place in which Python code can find the table.
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("opcode"));
  const py::Ref table = module ? py::Ref::steal(PyObject_GetAttrString(module.get(), "_common_constants")) : py::Ref();
  return table && push(py::Ref::steal(PySequence_GetItem(table.get(), static_cast<Py_ssize_t>(index))));
}

bool PassedCall::load_attribute(std::size_t index) {
  PyObject* const names = as_code(code_)->co_names;
  if (stack_.empty() || !stack_.back().object || index >= static_cast<std::size_t>(PyTuple_GET_SIZE(names))) return false;
  const py::Ref owner = std::move(stack_.back().object);
  stack_.pop_back();
  return push(plain_attribute(state_, owner.get(), PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(index))));
}

bool PassedCall::push_built(Op op, std::size_t count) {
  const std::size_t used = op == Op::kDict ? 2 * count : count;
  if (stack_.size() < used) return false;
  const auto first = stack_.end() - static_cast<std::ptrdiff_t>(used);
  if (!std::all_of(first, stack_.end(), [](const Value& value) { return static_cast<bool>(value.object); })) return false;
  const auto size = static_cast<Py_ssize_t>(count);
  py::Ref built = py::Ref::steal(op == Op::kDict ? PyDict_New() : op == Op::kList ? PyList_New(size) : PyTuple_New(size));
  for (Py_ssize_t i = 0; built && i < size; ++i) {
    if (op == Op::kTuple) PyTuple_SET_ITEM(built.get(), i, first[i].object.release());
    if (op == Op::kList) PyList_SET_ITEM(built.get(), i, first[i].object.release());
    if (op != Op::kDict) continue;
    PyObject* const key = first[2 * i].object.get();
    if (!PyUnicode_CheckExact(key) || PyDict_SetItem(built.get(), key, first[2 * i + 1].object.get()) < 0) return false;
  }
  stack_.resize(stack_.size() - used);
  return push(std::move(built), true);
}

bool PassedCall::push_dict_of_names(std::size_t count) {
  if (stack_.size() <= count || !stack_.back().object || !PyTuple_CheckExact(stack_.back().object.get())) return false;
  const py::Ref names = std::move(stack_.back().object);
  stack_.pop_back();
  py::Ref built = py::Ref::steal(PyDict_New());
  if (!built || static_cast<std::size_t>(PyTuple_GET_SIZE(names.get())) != count) return false;
  const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(names.get(), static_cast<Py_ssize_t>(i));
    PyObject* const value = first[static_cast<std::ptrdiff_t>(i)].object.get();
    if (!PyUnicode_CheckExact(name) || value == nullptr || PyDict_SetItem(built.get(), name, value) < 0) return false;
  }
  stack_.resize(stack_.size() - count);
  return push(std::move(built), true);
}

bool PassedCall::extend(Op op, std::size_t depth) {
  if (stack_.empty() || !stack_.back().object) return false;
  const py::Ref more = std::move(stack_.back().object);
  stack_.pop_back();
  if (depth == 0 || depth > stack_.size()) return false;
  const Value& target = stack_[stack_.size() - depth];
  if (!target.is_built) return false;
  if (op == Op::kAppendToList) {
    return PyList_CheckExact(target.object.get()) && PyList_Append(target.object.get(), more.get()) == 0;
  }
  if (op == Op::kExtendList) {
    return PyList_CheckExact(target.object.get()) && is_list_or_tuple(more.get()) &&
           PyList_SetSlice(target.object.get(), PY_SSIZE_T_MAX, PY_SSIZE_T_MAX, more.get()) == 0;
  }
  if (!PyDict_CheckExact(target.object.get()) || !PyDict_CheckExact(more.get())) return false;
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  while (PyDict_Next(more.get(), &position, &key, &value) != 0) {
    if (!PyUnicode_CheckExact(key)) return false;
    if (PyDict_Contains(target.object.get(), key) != 0) return false;  // the call would raise TypeError
    if (PyDict_SetItem(target.object.get(), key, value) < 0) return false;
  }
  return true;
}

bool PassedCall::make_tuple() {
  if (stack_.empty() || !stack_.back().object || !PyList_CheckExact(stack_.back().object.get())) return false;
  const py::Ref list = std::move(stack_.back().object);
  stack_.pop_back();
  return push(py::Ref::steal(PyList_AsTuple(list.get())), true);
}

// ---- The call. Below its arguments are the callable and kNull.

bool PassedCall::call(std::size_t count, bool has_names) {
  if (stack_.size() != count + (has_names ? 3 : 2)) return false;
  if (has_names) {
    names_ = std::move(stack_.back().object);
    stack_.pop_back();
    if (!names_ || !PyTuple_CheckExact(names_.get()) || static_cast<std::size_t>(PyTuple_GET_SIZE(names_.get())) > count) {
      return false;
    }
  }
  if (!push_built(Op::kTuple, count)) return false;
  arguments_ = std::move(stack_.back().object);
  return true;
}

bool PassedCall::call_unpacked(bool has_keywords) {
  if (stack_.size() != (has_keywords ? 4 : 3)) return false;
  PyObject* const keywords = has_keywords ? stack_[3].object.get() : nullptr;
  PyObject* const positional = stack_[2].object.get();
  if (positional == nullptr || !is_list_or_tuple(positional)) return false;
  if (keywords != nullptr && !PyDict_CheckExact(keywords)) return false;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(positional);
  const Py_ssize_t named = keywords == nullptr ? 0 : PyDict_GET_SIZE(keywords);
  arguments_ = py::Ref::steal(PyTuple_New(count + named));
  names_ = named == 0 ? py::Ref() : py::Ref::steal(PyTuple_New(named));
  if (!arguments_ || (named > 0 && !names_)) return false;
  // The two are those that this call has built, or has found, and no code has run since then.
  for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(arguments_.get(), i, Py_NewRef(items_of(positional)[i]));
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  for (Py_ssize_t i = 0; i < named && PyDict_Next(keywords, &position, &key, &value) != 0; ++i) {
    if (!PyUnicode_CheckExact(key)) return false;
    PyTuple_SET_ITEM(names_.get(), i, Py_NewRef(key));
    PyTuple_SET_ITEM(arguments_.get(), count + i, Py_NewRef(value));
  }
  return true;
}

// ---- The parameters, as CPython binds them

bool PassedCall::bind() {
  const PyCodeObject* const code = as_code(code_);
  const bool takes_more = (code->co_flags & CO_VARARGS) != 0;
  const bool takes_names = (code->co_flags & CO_VARKEYWORDS) != 0;
  const Py_ssize_t named = code->co_argcount + code->co_kwonlyargcount;
  const Py_ssize_t first = self_ == nullptr ? 0 : 1;
  const Py_ssize_t given = nargs_ + first;
  if (given > code->co_argcount && !takes_more) return false;
  locals_.resize(static_cast<std::size_t>(named + (takes_more ? 1 : 0) + (takes_names ? 1 : 0)));
  const auto argument = [&](Py_ssize_t i) { return py::Ref::borrow(i < first ? self_ : args_[i - first]); };
  const Py_ssize_t bound = std::min<Py_ssize_t>(given, code->co_argcount);
  for (Py_ssize_t i = 0; i < bound; ++i) locals_[static_cast<std::size_t>(i)] = argument(i);
  if (takes_more) {
    py::Ref more = py::Ref::steal(PyTuple_New(given - bound));
    if (!more) return false;
    for (Py_ssize_t i = bound; i < given; ++i) PyTuple_SET_ITEM(more.get(), i - bound, argument(i).release());
    locals_[static_cast<std::size_t>(named)] = std::move(more);
  }
  if (takes_names) {
    locals_.back() = py::Ref::steal(PyDict_New());
    if (!locals_.back()) return false;
  }
  const py::Ref parameters = py::Ref::steal(PyCode_GetVarnames(const_cast<PyCodeObject*>(code)));
  return parameters && bind_keywords(parameters, takes_names ? locals_.back().get() : nullptr) && bind_defaults(parameters);
}

bool PassedCall::bind_keywords(const py::Ref& parameters, PyObject* others) {
  const PyCodeObject* const code = as_code(code_);
  const Py_ssize_t named = code->co_argcount + code->co_kwonlyargcount;
  const Py_ssize_t given = kwnames_ == nullptr ? 0 : PyTuple_GET_SIZE(kwnames_);
  for (Py_ssize_t i = 0; i < given; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(kwnames_, i);
    PyObject* const value = args_[nargs_ + i];
    if (!PyUnicode_CheckExact(name)) return false;
    Py_ssize_t at = code->co_posonlyargcount;
    while (at < named && PyUnicode_Compare(PyTuple_GET_ITEM(parameters.get(), at), name) != 0) ++at;
    if (at < named) {
      py::Ref& parameter = locals_[static_cast<std::size_t>(at)];
      if (parameter) return false;
      parameter = py::Ref::borrow(value);
    } else if (others == nullptr || PyDict_SetItem(others, name, value) < 0) {
      return false;
    }
  }
  return true;
}

bool PassedCall::bind_defaults(const py::Ref& parameters) {
  const PyCodeObject* const code = as_code(code_);
  PyObject* const defaults = PyFunction_GET_DEFAULTS(function_.get());
  PyObject* const named_defaults = PyFunction_GET_KW_DEFAULTS(function_.get());
  const Py_ssize_t without = code->co_argcount - (defaults == nullptr ? 0 : PyTuple_GET_SIZE(defaults));
  for (Py_ssize_t i = 0; i < code->co_argcount + code->co_kwonlyargcount; ++i) {
    py::Ref& parameter = locals_[static_cast<std::size_t>(i)];
    if (parameter) continue;
    if (i < code->co_argcount) {
      if (i >= without) parameter = py::Ref::borrow(PyTuple_GET_ITEM(defaults, i - without));
    } else if (named_defaults != nullptr) {
      parameter = py::Ref::borrow(PyDict_GetItemWithError(named_defaults, PyTuple_GET_ITEM(parameters.get(), i)));
    }
    if (!parameter) return false;
  }
  return true;
}

}  // namespace aiointerpreters::binding
