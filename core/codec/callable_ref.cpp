// See callable_ref.h.
#include "codec/callable_ref.h"

#include <atomic>
#include <string_view>
#include <utility>

#include "codec/codec.h"
#include "codec/by_value.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

constexpr std::string_view kMain = "__main__";

// Ids are process-wide, because pools and homes may share workers' caches no more than they share ids by accident.
std::atomic<std::uint64_t> next_id{CallableRef::kUncached + 1};

// Reads an attribute that has to be a str; false with no exception set if there is no such thing.
bool read_text(PyObject* object, const char* attribute, std::string& out) {
  py::Ref value;
  py::Ref name = py::Ref::steal(PyUnicode_FromString(attribute));
  Py_ssize_t size = 0;
  const char* text = nullptr;
  if (name && PyObject_GetOptionalAttr(object, name.get(), value.out()) == 1 && PyUnicode_CheckExact(value.get())) {
    text = PyUnicode_AsUTF8AndSize(value.get(), &size);
  }
  PyErr_Clear();
  if (text == nullptr) return false;
  out.assign(text, static_cast<std::size_t>(size));
  return true;
}

// Follows `qualname` from `object`. Returns new; null with AttributeError set.
py::Ref follow(py::Ref object, std::string_view qualname) {
  while (object) {
    const std::size_t dot = qualname.find('.');
    const std::string_view part = qualname.substr(0, dot);
    py::Ref name = py::Ref::steal(PyUnicode_DecodeUTF8(part.data(), static_cast<Py_ssize_t>(part.size()), nullptr));
    object = name ? py::Ref::steal(PyObject_GetAttr(object.get(), name.get())) : py::Ref();
    if (dot == std::string_view::npos) break;
    qualname.remove_prefix(dot + 1);
  }
  return object;
}

// What a decorated name is bound to stands for the function inside. Returns new.
py::Ref without_tag(const Runtime& runtime, py::Ref callable) {
  if (!callable || PyObject_TypeCheck(callable.get(), reinterpret_cast<PyTypeObject*>(runtime.tag_type.get())) == 0) return callable;
  return py::Ref::steal(PyObject_GetAttrString(callable.get(), "fn"));
}

// A function that was typed, not read from a file, is not in the script that a worker would run.
bool was_typed(PyObject* callable) {
  py::Ref code = py::Ref::steal(PyObject_GetAttrString(callable, "__code__"));
  std::string file;
  const bool typed = code && read_text(code.get(), "co_filename", file) && file.starts_with('<');
  PyErr_Clear();
  return typed;
}

// A class method is bound anew at each look.
bool is_same(PyObject* found, PyObject* callable) {
  if (found == callable) return true;
  return PyMethod_Check(found) && PyMethod_Check(callable) && PyType_Check(PyMethod_GET_SELF(found)) &&
         PyMethod_GET_SELF(found) == PyMethod_GET_SELF(callable) &&
         PyMethod_GET_FUNCTION(found) == PyMethod_GET_FUNCTION(callable);
}

// Whether a worker finds the same object by module and qualified name.
bool leads_back(const Runtime& runtime, PyObject* callable, CallableRef& ref) {
  if (!read_text(callable, "__module__", ref.module) || !read_text(callable, "__qualname__", ref.qualname)) return false;
  if (ref.module == kMain && (runtime.main_is_nowhere || was_typed(callable))) return false;
  py::Ref module_name = py::Ref::steal(PyUnicode_FromStringAndSize(ref.module.data(), static_cast<Py_ssize_t>(ref.module.size())));
  py::Ref module = module_name ? py::Ref::steal(PyImport_GetModule(module_name.get())) : py::Ref();
  py::Ref found = without_tag(runtime, follow(std::move(module), ref.qualname));
  PyErr_Clear();
  return found && is_same(found.get(), callable);
}

// Some builtins (eval, exec, globals, dir) look at the Python frame that calls them, and a worker's loop is none. Returns new.
py::Ref with_frame(Runtime& runtime, py::Ref builtin) {
  if (!runtime.caller) {
    py::Ref main = py::Ref::steal(PyImport_AddModuleRef("__main__"));
    py::Ref code = py::Ref::steal(
        Py_CompileString("lambda fn, /, *args, **kwargs: fn(*args, **kwargs)", "<aiointerpreters>", Py_eval_input));
    if (!main || !code) return {};
    PyObject* const names = PyModule_GetDict(main.get());  // borrowed
    runtime.caller = py::Ref::steal(PyEval_EvalCode(code.get(), names, names));
  }
  return runtime.caller ? py::Ref::steal(PyMethod_New(runtime.caller.get(), builtin.get())) : py::Ref();
}

bool same_bytes(const base::Bytes& one, const base::Bytes& other) {
  return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

CallablePtr CallableTable::describe(Runtime& runtime, PyObject* callable) {
  CallablePtr known = find(callable);
  if (known && !known->module.empty()) return known;
  auto ref = std::make_shared<CallableRef>();
  if (leads_back(runtime, callable, *ref)) {
    ref->needs_main = ref->module == kMain;
  } else {
    ref->module.clear();
    ref->qualname.clear();
    if (!pickle_callable(runtime, callable, ref->value)) return nullptr;
    ref->needs_main = ref->value.needs_main;
    // Functions count as stateless, so an unchanged one need not be loaded again. Other callables may change where they run.
    if (!PyFunction_Check(callable)) return ref;
    if (known && same_bytes(known->value.bytes, ref->value.bytes)) return known;
  }
  ref->id = next_id.fetch_add(1, std::memory_order_relaxed);
  remember(callable, ref);
  return ref;
}

CallablePtr CallableTable::find(PyObject* callable) const {
  const auto entry = entries_.find(callable);
  if (entry == entries_.end()) return nullptr;
  PyObject* alive = nullptr;
  PyWeakref_GetRef(entry->second.weak.get(), &alive);
  Py_XDECREF(alive);
  return alive == callable ? entry->second.ref : nullptr;
}

void CallableTable::remember(PyObject* callable, const CallablePtr& ref) {
  py::Ref weak = py::Ref::steal(PyWeakref_NewRef(callable, nullptr));
  if (!weak) {  // an object without weak references is described anew each time
    PyErr_Clear();
    return;
  }
  if (entries_.size() >= sweep_at_) {
    std::erase_if(entries_, [](const auto& entry) {
      PyObject* alive = nullptr;
      PyWeakref_GetRef(entry.second.weak.get(), &alive);
      Py_XDECREF(alive);
      return alive == nullptr;
    });
    sweep_at_ = std::max<std::size_t>(64, entries_.size() * 2);
  }
  entries_.insert_or_assign(callable, Entry{std::move(weak), ref});
}

PyObject* CallableCache::find(Runtime& runtime, std::uint64_t id, const CallablePtr& ref, py::Ref& uncached) {
  if (id == last_id_ && last_ != nullptr) return last_;
  if (id != CallableRef::kUncached) {
    if (const auto entry = entries_.find(id); entry != entries_.end()) {
      last_id_ = id;
      return last_ = entry->second.callable.get();
    }
  }
  py::Ref callable = load_callable(runtime, *ref);
  if (!callable || id == CallableRef::kUncached) {
    uncached = std::move(callable);
    return uncached.get();
  }
  return remember(id, ref, std::move(callable));
}

PyObject* CallableCache::remember(std::uint64_t id, const CallablePtr& ref, py::Ref callable) {
  if (entries_.size() >= sweep_at_) {
    last_ = nullptr;
    std::erase_if(entries_, [](const auto& entry) { return entry.second.ref.expired(); });
    sweep_at_ = std::max<std::size_t>(64, entries_.size() * 2);
  }
  last_id_ = id;
  last_ = callable.get();
  entries_.insert_or_assign(id, Entry{std::move(callable), ref});
  return last_;
}

void CallableCache::clear() {
  last_ = nullptr;
  entries_.clear();
}

py::Ref load_callable(Runtime& runtime, const CallableRef& ref) {
  py::Ref callable;
  std::string name;
  if (ref.module.empty()) {
    name = "the function";
    callable = without_tag(runtime, decode_value(runtime, ref.value));
  } else {
    name = ref.module + '.' + ref.qualname;
    callable = without_tag(runtime, follow(py::Ref::steal(PyImport_ImportModule(ref.module.c_str())), ref.qualname));
  }
  if (!callable) {
    py::raise_from_current(runtime.interpreter_error.get(), (name + " could not be loaded in a worker's interpreter").c_str());
    return callable;
  }
  return ref.module == "builtins" && PyCFunction_Check(callable.get()) ? with_frame(runtime, std::move(callable)) : std::move(callable);
}

}  // namespace aiointerpreters::codec
