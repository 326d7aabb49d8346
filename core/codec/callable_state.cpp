// See callable_state.h.
#include "codec/callable_state.h"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "codec/memo.h"
#include "codec/qualified_name.h"
#include "codec/text.h"
#include "py/code.h"

namespace aiointerpreters::codec {

namespace {

// What a call can do to an object.
enum class Change : std::uint8_t {
  kNone,     // nothing, or what it does belongs to the interpreter
  kInside,   // nothing, but perhaps to the objects in it
  kPlace,    // give one of its names or attributes another value
  kContent,  // change it as a value of its own
  kUnknown,
};

// Types of C whose objects are not exported by the API. Each keeps all that it refers to where the collector sees it, or
// stays in the interpreter.
struct KnownType {
  std::string_view name;
  Change change;
};
constexpr std::array kKnownTypes = {
    KnownType{"functools._lru_cache_wrapper", Change::kNone},
    KnownType{"_thread._local", Change::kNone},
    KnownType{"typing.TypeVar", Change::kNone},
    KnownType{"typing.ParamSpec", Change::kNone},
    KnownType{"typing.TypeVarTuple", Change::kNone},
    KnownType{"typing.TypeAliasType", Change::kNone},
    KnownType{"re.Pattern", Change::kNone},
    KnownType{"functools.partial", Change::kPlace},
    KnownType{"typing.Union", Change::kInside},
    KnownType{"types.UnionType", Change::kInside},  // its name before 3.14
};

bool is_one_of(PyTypeObject* type, std::initializer_list<PyTypeObject*> types) noexcept {
  return std::ranges::find(types, type) != types.end();
}

bool is_of_c(PyTypeObject* type) noexcept {
  return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 || (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) != 0;
}

// Whether this is a type of C whose objects are values: equal ones have equal hashes, and they refer to nothing.
bool has_values_only(PyTypeObject* type) noexcept {
  return is_of_c(type) && (type->tp_flags & Py_TPFLAGS_HAVE_GC) == 0 && type->tp_hash != nullptr &&
         type->tp_hash != PyObject_HashNotImplemented && type->tp_hash != PyBaseObject_Type.tp_hash;
}

// Whether class statements have made the class and all its bases, apart from `object` and types of plain values.
// `of_statement` is a class that a class statement has made.
bool is_of_statements(PyTypeObject* type, PyTypeObject* of_statement) noexcept {
  if (type->tp_traverse != of_statement->tp_traverse) return false;
  while (type != nullptr && type->tp_traverse == of_statement->tp_traverse) type = type->tp_base;
  return type == &PyBaseObject_Type ||
         (type != nullptr && is_one_of(type, {&PyLong_Type, &PyUnicode_Type, &PyFloat_Type, &PyTuple_Type, &PyBytes_Type}));
}

struct Collected {
  std::vector<py::Ref>& held;
  bool has_memory;
};

int collect(PyObject* object, void* target) {
  auto* const collected = static_cast<Collected*>(target);
  try {
    collected->held.push_back(py::Ref::borrow(object));
  } catch (const std::bad_alloc&) {
    collected->has_memory = false;
    return 1;
  }
  return 0;
}

struct Compared {
  const py::Ref* at;
  const py::Ref* end;
};

int compare(PyObject* object, void* target) {
  auto* const compared = static_cast<Compared*>(target);
  if (compared->at == compared->end || compared->at->get() != object) return 1;
  ++compared->at;
  return 0;
}

// Calls `visit` for all that an object refers to, until it returns another number than 0. Returns whether it never did.
// A dict tells the collector only of values, and a class not of its name.
bool visit_all(PyObject* object, bool is_dict, visitproc visit, void* target) {
  if (is_dict) {
    Py_ssize_t position = 0;
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    while (PyDict_Next(object, &position, &key, &value) != 0) {
      if (visit(key, target) != 0 || visit(value, target) != 0) return false;
    }
    return true;
  }
  if (PyType_Check(object)) {
    auto* const type = reinterpret_cast<PyHeapTypeObject*>(object);
    if (visit(type->ht_name, target) != 0 || visit(type->ht_qualname, target) != 0) return false;
  }
  return Py_TYPE(object)->tp_traverse(object, visit, target) == 0;
}

}  // namespace

class CallableState::Walk {
 public:
  Walk(Runtime& runtime, CallableState& state)
      : runtime_(runtime), state_(state), builtins_(py::Ref::steal(PyImport_AddModuleRef("builtins"))) {}

  // Returns false if it meets an object of which nothing is known.
  bool walk(PyObject* callable) {
    if (!builtins_ || !add(callable, false)) return false;
    std::size_t next = 0;
    while (next < state_.nodes_.size()) {  // grows during the loop
      Node& node = state_.nodes_[next++];
      PyObject* const object = node.object.get();
      const bool has_dicts = PyFunction_Check(object) || PyType_Check(object);
      if (PyFunction_Check(object)) note_stores(object);
      const std::size_t begin = state_.held_.size();
      Collected collected{state_.held_, true};
      if (!visit_all(object, node.is_dict, collect, &collected) && !collected.has_memory) throw std::bad_alloc();
      node.end = state_.held_.size();
      for (std::size_t at = begin; at < state_.held_.size(); ++at) {
        if (!add(state_.held_[at].get(), has_dicts)) return false;
      }
    }
    return true;
  }

 private:
  // `is_part`: it belongs to a function or a class. So a dict is no value of its own.
  bool add(PyObject* object, bool is_part) {
    PyTypeObject* const type = Py_TYPE(object);
    if (has_values_only(type) || is_one_of(type, {&PyCode_Type, &PyBaseObject_Type, &PyEllipsis_Type}) ||
        memo_.find_or_add(object) != Memo::kNew)
      return true;
    const Change change = change_of(object);
    if (change == Change::kUnknown) return false;
    if (change == Change::kNone) return true;
    const bool is_dict = type == &PyDict_Type;
    if (change == Change::kContent && !(is_dict && is_part)) state_.is_shared_ = true;
    state_.nodes_.push_back({py::Ref::borrow(object), 0, is_dict});
    return true;
  }

  void note_stores(PyObject* function) {
    auto* const code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function));
    if (!state_.is_shared_ && py::stores_outside(code)) state_.is_shared_ = true;
  }

  Change change_of(PyObject* object) {
    PyTypeObject* const type = Py_TYPE(object);
    if (is_one_of(type, {&PyTuple_Type, &PyFrozenSet_Type, &PySlice_Type, &PyMethod_Type, &PyDictProxy_Type,
                         &Py_GenericAliasType})) {
      return Change::kInside;
    }
    if (is_one_of(type, {&PyCell_Type, &PyProperty_Type, &PyClassMethod_Type, &PyStaticMethod_Type}) ||
        type == reinterpret_cast<PyTypeObject*>(runtime_.tag_type.get())) {
      return Change::kPlace;
    }
    if (is_one_of(type, {&PyMemberDescr_Type, &PyGetSetDescr_Type, &PyMethodDescr_Type, &PyWrapperDescr_Type,
                         &PyClassMethodDescr_Type, &PyContextVar_Type}) ||
        PyWeakref_Check(object)) {
      return Change::kNone;
    }
    if (type == &PyDict_Type) {
      return object == PyModule_GetDict(builtins_.get()) ? Change::kNone : Change::kContent;
    }
    if (type == &PyList_Type || type == &PySet_Type) return Change::kContent;
    if (type == &PyFunction_Type) return is_of_module(object) ? Change::kNone : Change::kPlace;
    if (PyCFunction_Check(object)) {
      PyObject* const self = PyCFunction_GET_SELF(object);
      return self == nullptr || PyModule_Check(self) || PyType_Check(self) ? Change::kNone : Change::kInside;
    }
    if (PyModule_Check(object)) return is_imported(object) ? Change::kNone : Change::kUnknown;
    if (PyType_Check(object)) {
      const bool is_here = is_of_c(reinterpret_cast<PyTypeObject*>(object)) || has_name(object);
      return is_here ? Change::kNone : Change::kPlace;
    }
    if (std::string_view(type->tp_name) == "_abc._abc_data") return note_registrations() ? Change::kNone : Change::kUnknown;
    for (const KnownType& known : kKnownTypes) {
      if (known.name == type->tp_name) return known.change;
    }
    if (is_logger(type)) return Change::kNone;
    auto* const of_statement = reinterpret_cast<PyTypeObject*>(runtime_.not_transferable_error.get());
    return is_of_statements(type, of_statement) ? Change::kContent : Change::kUnknown;
  }

  bool note_registrations() {
    if (state_.registrations_) return true;
    const py::Ref module = py::Ref::steal(PyImport_ImportModule("_abc"));
    if (module) state_.get_registrations_ = py::Ref::steal(PyObject_GetAttrString(module.get(), "get_cache_token"));
    if (state_.get_registrations_) {
      state_.registrations_ = py::Ref::steal(PyObject_CallNoArgs(state_.get_registrations_.get()));
    }
    PyErr_Clear();
    return static_cast<bool>(state_.registrations_);
  }

  // Whether a module that this interpreter has imported defines the function.
  static bool is_of_module(PyObject* function) {
    PyObject* const globals = PyFunction_GET_GLOBALS(function);
    PyObject* const name = PyDict_GetItemString(globals, "__name__");
    PyObject* const module = name != nullptr ? PyDict_GetItemWithError(PyImport_GetModuleDict(), name) : nullptr;
    PyErr_Clear();
    return module != nullptr && PyModule_Check(module) && PyModule_GetDict(module) == globals;
  }

  static bool is_imported(PyObject* module) {
    const py::Ref name = py::Ref::steal(PyModule_GetNameObject(module));
    PyObject* const found = name ? PyDict_GetItemWithError(PyImport_GetModuleDict(), name.get()) : nullptr;
    PyErr_Clear();
    return found == module;
  }

  // Loggers cross by their names.
  static bool is_logger(PyTypeObject* type) {
    const std::string_view name = type->tp_name;
    if (name != "Logger" && name != "RootLogger") return false;
    const py::Ref module = py::Ref::steal(PyType_GetModuleName(type));
    PyErr_Clear();
    return module && PyUnicode_Check(module.get()) && utf8_view(module.get()) == "logging";
  }

  static bool has_name(PyObject* object) {
    auto* const type = reinterpret_cast<PyTypeObject*>(object);
    const py::Ref module_name = py::Ref::steal(PyType_GetModuleName(type));
    const py::Ref name = module_name ? py::Ref::steal(PyType_GetQualName(type)) : py::Ref();
    py::Ref module = name ? py::Ref::steal(PyImport_GetModule(module_name.get())) : py::Ref();
    const py::Ref found = follow(std::move(module), name ? utf8_view(name.get()) : std::string_view());
    PyErr_Clear();
    return found.get() == object;
  }

  Runtime& runtime_;
  CallableState& state_;
  py::Ref builtins_;
  Memo memo_;
};

void CallableState::note(Runtime& runtime, PyObject* callable) {
  nodes_.clear();
  held_.clear();
  get_registrations_.reset();
  registrations_.reset();
  is_shared_ = false;
  is_known_ = Walk(runtime, *this).walk(callable);
  PyErr_Clear();
  if (!is_known_) {
    nodes_.clear();
    held_.clear();
  }
}

bool CallableState::is_unchanged() const noexcept {
  if (registrations_) {
    const py::Ref now = py::Ref::steal(PyObject_CallNoArgs(get_registrations_.get()));
    const bool is_same = now && PyObject_RichCompareBool(now.get(), registrations_.get(), Py_EQ) == 1;
    PyErr_Clear();
    if (!is_same) return false;
  }
  Compared compared{held_.data(), held_.data()};
  for (const Node& node : nodes_) {
    compared.end = held_.data() + node.end;
    if (!visit_all(node.object.get(), node.is_dict, compare, &compared) || compared.at != compared.end) return false;
  }
  return true;
}

}  // namespace aiointerpreters::codec
