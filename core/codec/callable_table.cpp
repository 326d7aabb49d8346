// See callable_table.h.
#include "codec/callable_table.h"

#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>

#include "codec/codec.h"
#include "codec/function_survey.h"
#include "codec/qualified_name.h"
#include "codec/recipe.h"
#include "codec/text.h"
#include "py/partial.h"

namespace aiointerpreters::codec {

namespace {

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

bool has_code_beside_script(const Runtime& runtime, PyObject* callable) {
  if (PyMethod_Check(callable)) callable = PyMethod_GET_FUNCTION(callable);
  return PyFunction_Check(callable) && is_beside_script(runtime, PyFunction_GET_CODE(callable));
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
  if (is_main(ref.module) && (runtime.main_is_nowhere || has_code_beside_script(runtime, callable))) return false;
  py::Ref module_name =
      py::Ref::steal(PyUnicode_FromStringAndSize(ref.module.data(), static_cast<Py_ssize_t>(ref.module.size())));
  py::Ref module = module_name ? py::Ref::steal(PyImport_GetModule(module_name.get())) : py::Ref();
  py::Ref found = without_tag(runtime, follow(std::move(module), ref.qualname));
  PyErr_Clear();
  return found && is_same(found.get(), callable);
}

// Whether looking up the name of a function by value may lead to this function now. Names of nested functions and lambdas
// never do.
bool may_get_name(const Runtime& runtime, PyObject* function) {
  if (runtime.main_is_nowhere && is_main(utf8_view(PyFunction_GET_MODULE(function)))) return false;
  return utf8_view(reinterpret_cast<PyFunctionObject*>(function)->func_qualname).find('<') == std::string_view::npos;
}

// Whether it is a function of functools.cache or lru_cache.
bool has_cache(PyObject* callable) noexcept {
  return std::strcmp(Py_TYPE(callable)->tp_name, "functools._lru_cache_wrapper") == 0;
}

bool same_content(const CallableRef& one, const CallableRef& other) {
  const base::Bytes& bytes = one.value.bytes;
  return one.is_recipe == other.is_recipe && one.is_constant == other.is_constant &&
         bytes.size() == other.value.bytes.size() && std::memcmp(bytes.data(), other.value.bytes.data(), bytes.size()) == 0;
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
  Entry known;
  if (const Entry* const entry = entries_.find(callable)) known = *entry;
  if (known.ref && known.ref->by_reference()) return known.ref;
  if (known.graph && !may_get_name(runtime, callable) && known.graph->is_unchanged(callable, runtime.main_is_nowhere) &&
      !is_cloudpickle_configured()) {
    return known.ref;
  }
  auto ref = std::make_shared<CallableRef>();
  ref->is_coroutine_function = is_coroutine_function(runtime, callable);
  if (!leads_back(runtime, callable, *ref)) return describe_value(runtime, callable, known, std::move(ref));
  ref->needs_main = is_main(ref->module);
  ref->module_version = runtime.modules.of(ref->module);
  ref->id = next_id.fetch_add(1, std::memory_order_relaxed);
  entries_.set(callable, {ref, nullptr});
  return ref;
}

CallablePtr CallableTable::describe_value(Runtime& runtime, PyObject* callable, const Entry& known,
                                          std::shared_ptr<CallableRef> ref) {
  ref->module.clear();
  std::shared_ptr<const FunctionGraph> graph;
  if (PyFunction_Check(callable) && !is_cloudpickle_configured()) graph = survey_function(runtime, codes_, callable);
  if (PyErr_Occurred() != nullptr) return nullptr;
  ref->is_recipe = graph && write_recipe(runtime, *graph, ref->value);
  if (PyErr_Occurred() != nullptr) return nullptr;
  if (!ref->is_recipe && !encode_callable(runtime, callable, ref->value)) return nullptr;
  ref->is_constant = ref->is_recipe && graph->is_constant;
  ref->needs_main = ref->value.needs_main;
  // Workers keep a function until it changes, here or there. A function with a cache keeps the cache that it has in the
  // worker. Other callables may change in workers. Callables that hold memory of the main
  // interpreter must not be cached.
  if (!(PyFunction_Check(callable) || has_cache(callable)) || ref->value.attachments) return ref;
  if (!ref->is_recipe || !graph->is_lasting) graph.reset();
  if (known.ref && same_content(*known.ref, *ref)) {
    entries_.set(callable, {known.ref, std::move(graph)});
    return known.ref;
  }
  ref->id = next_id.fetch_add(1, std::memory_order_relaxed);
  entries_.set(callable, {ref, std::move(graph)});
  return ref;
}

bool CallableTable::is_cloudpickle_configured() {
  if (!by_value_modules_) {
    py::Ref module;
    PyObject* const modules = PyImport_GetModuleDict();
    if (PyDict_GetItemStringRef(modules, "cloudpickle.cloudpickle", module.out()) < 0) PyErr_Clear();
    if (!module) return false;
    by_value_modules_ = py::Ref::steal(PyObject_GetAttrString(module.get(), "_PICKLE_BY_VALUE_MODULES"));
    PyErr_Clear();
  }
  // If the set is not there, because cloudpickle is just being imported or has changed, nothing is known.
  return !by_value_modules_ || !PyAnySet_CheckExact(by_value_modules_.get()) || PySet_GET_SIZE(by_value_modules_.get()) != 0;
}

}  // namespace aiointerpreters::codec
