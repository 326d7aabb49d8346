// See callable_table.h.
#include "codec/callable_table.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>

#include "codec/codec.h"
#include "codec/qualified_name.h"
#include "codec/text.h"
#include "py/error.h"
#include "py/partial.h"

namespace aiointerpreters::codec {

namespace {

constexpr std::size_t kFirstTableSweep = 64;

// Process-wide, so that no two callables of different homes share an id.
std::atomic<std::uint64_t> next_id{CallableRef::kUncached + 1};

// Reads an attribute that must be a str. False without an exception if there is none.
bool read_text(PyObject* object, const char* attribute, std::string& out) {
  py::Ref value;
  py::Ref name = py::Ref::steal(PyUnicode_FromString(attribute));
  std::string_view text;
  if (name && PyObject_GetOptionalAttr(object, name.get(), value.out()) == 1 && PyUnicode_CheckExact(value.get())) {
    text = utf8_view(value.get());
  }
  PyErr_Clear();
  if (text.data() == nullptr) return false;
  out = text;
  return true;
}

// Whether a function was typed at a prompt. It is not in the script that a worker would run.
bool was_typed(PyObject* callable) {
  py::Ref code = py::Ref::steal(PyObject_GetAttrString(callable, "__code__"));
  std::string file;
  const bool typed = code && read_text(code.get(), "co_filename", file) && file.starts_with('<');
  PyErr_Clear();
  return typed;
}

// A class method is bound again at each look-up, so its identity differs.
bool is_same(PyObject* found, PyObject* callable) {
  if (found == callable) return true;
  return PyMethod_Check(found) && PyMethod_Check(callable) && PyType_Check(PyMethod_GET_SELF(found)) &&
         PyMethod_GET_SELF(found) == PyMethod_GET_SELF(callable) &&
         PyMethod_GET_FUNCTION(found) == PyMethod_GET_FUNCTION(callable);
}

// Whether a worker finds the same object by module and qualified name.
bool leads_back(const Runtime& runtime, PyObject* callable, CallableRef& ref) {
  if (!read_text(callable, "__module__", ref.module) || !read_text(callable, "__qualname__", ref.qualname)) return false;
  if (is_main(ref.module) && (runtime.main_is_nowhere || was_typed(callable))) return false;
  py::Ref module_name =
      py::Ref::steal(PyUnicode_FromStringAndSize(ref.module.data(), static_cast<Py_ssize_t>(ref.module.size())));
  py::Ref module = module_name ? py::Ref::steal(PyImport_GetModule(module_name.get())) : py::Ref();
  py::Ref found = without_tag(runtime, follow(std::move(module), ref.qualname));
  PyErr_Clear();
  return found && is_same(found.get(), callable);
}

bool same_bytes(const base::Bytes& one, const base::Bytes& other) {
  return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

bool is_coroutine_function(const Runtime& runtime, PyObject* wrapped) {
  py::Ref inside = py::inside_partials(wrapped);
  if (inside && PyObject_TypeCheck(inside.get(), reinterpret_cast<PyTypeObject*>(runtime.tag_type.get())) != 0) {
    inside = py::Ref::steal(PyObject_GetAttrString(inside.get(), "fn"));
    if (inside) inside = py::inside_partials(inside.get());
  }
  PyObject* callable = inside.get();
  if (callable == nullptr) return PyErr_Clear(), false;
  if (PyMethod_Check(callable)) callable = PyMethod_GET_FUNCTION(callable);
  py::Ref call;
  if (!PyFunction_Check(callable)) {
    call = py::Ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(callable)), "__call__"));
    PyErr_Clear();
    callable = call.get();
  }
  if (callable == nullptr || !PyFunction_Check(callable)) return false;
  const auto* const code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(callable));
  return (code->co_flags & CO_COROUTINE) != 0;
}

CallablePtr CallableTable::describe(Runtime& runtime, PyObject* callable) {
  CallablePtr known = find(callable);
  if (known && known->by_reference()) return known;
  auto ref = std::make_shared<CallableRef>();
  ref->is_coroutine_function = is_coroutine_function(runtime, callable);
  if (leads_back(runtime, callable, *ref)) {
    ref->needs_main = is_main(ref->module);
  } else {
    ref->module.clear();
    if (!encode_callable(runtime, callable, ref->value)) return nullptr;
    ref->needs_main = ref->value.needs_main;
    // A function counts as stateless, so workers need not load it again while it is unchanged. Other callables may change
    // in workers. Callables that hold memory of the main interpreter must not be cached.
    if (!PyFunction_Check(callable) || ref->value.attachments) return ref;
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
  if (!weak) {  // an object without weak references is described each time
    PyErr_Clear();
    return;
  }
  bytes_ += ref->value.bytes.size();
  if (entries_.size() >= sweep_at_ || bytes_ > CallableRef::kSweepBytes) {
    bytes_ = 0;
    std::erase_if(entries_, [](const auto& entry) {
      PyObject* alive = nullptr;
      PyWeakref_GetRef(entry.second.weak.get(), &alive);
      Py_XDECREF(alive);
      return alive == nullptr;
    });
    sweep_at_ = std::max(kFirstTableSweep, entries_.size() * 2);
  }
  entries_.insert_or_assign(callable, Entry{std::move(weak), ref});
}

}  // namespace aiointerpreters::codec
