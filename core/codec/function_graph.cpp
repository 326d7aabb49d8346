// See function_graph.h.
#include "codec/function_graph.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "codec/module_versions.h"
#include "py/compat.h"

namespace aiointerpreters::codec {

namespace {

using Slot = FunctionGraph::Slot;
using Items = FunctionGraph::Items;

// Whether a weak reference leads to this object.
bool leads_to(const py::Ref& weak, PyObject* object) {
  PyObject* alive = nullptr;
  PyWeakref_GetRef(weak.get(), &alive);
  Py_XDECREF(alive);
  return alive != nullptr && alive == object;
}

bool holds(const Slot& slot, PyObject* object) {
  if (slot.kind == Slot::Kind::kAbsent) return object == nullptr;
  return slot.kind == Slot::Kind::kValue ? slot.object.get() == object : leads_to(slot.object, object);
}

bool holds_key(PyObject* dict, const FunctionGraph::Item& item) {
  py::Ref object;
  if (PyDict_GetItemRef(dict, item.key.get(), object.out()) < 0) PyErr_Clear();
  return holds(item.slot, object.get());
}

bool is_same_tuple(const Items& items, PyObject* tuple) {
  if (tuple == nullptr || !items.exists) return (tuple != nullptr) == items.exists;
  const auto size = static_cast<std::size_t>(PyTuple_GET_SIZE(tuple));
  if (size != items.list.size()) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (!holds(items.list[i].slot, PyTuple_GET_ITEM(tuple, static_cast<Py_ssize_t>(i)))) return false;
  }
  return true;
}

bool is_same_dict(const Items& items, PyObject* dict) {
  if (dict == nullptr || !items.exists) return (dict != nullptr) == items.exists;
  return PyDict_CheckExact(dict) && static_cast<std::size_t>(PyDict_GET_SIZE(dict)) == items.list.size() &&
         std::ranges::all_of(items.list, [dict](const auto& item) { return holds_key(dict, item); });
}

// An empty dict counts as none.
bool is_same_attributes(const Items& items, PyObject* dict) {
  const bool is_empty = dict == nullptr || (PyDict_CheckExact(dict) && PyDict_GET_SIZE(dict) == 0);
  return is_same_dict(items, is_empty ? nullptr : dict);
}

// Before 3.14, annotations may be a tuple of keys and values until they are asked for.
bool is_same_annotations(const Items& items, PyObject* annotations) {
  if (annotations == nullptr || !PyTuple_Check(annotations)) return is_same_attributes(items, annotations);
  const auto size = static_cast<std::size_t>(PyTuple_GET_SIZE(annotations));
  if (size != 2 * items.list.size()) return false;
  for (std::size_t i = 0; i < items.list.size(); ++i) {
    const auto at = static_cast<Py_ssize_t>(2 * i);
    if (items.list[i].key.get() != PyTuple_GET_ITEM(annotations, at)) return false;
    if (!holds(items.list[i].slot, PyTuple_GET_ITEM(annotations, at + 1))) return false;
  }
  return true;
}

bool is_same_function(const FunctionGraph& graph, const FunctionGraph::Function& known, PyObject* object) {
  auto* const now = reinterpret_cast<PyFunctionObject*>(object);
  auto* const code = reinterpret_cast<PyCodeObject*>(known.code.get());
  if (now->func_code != known.code.get()) return false;
  if (now->func_name != (known.name ? known.name.get() : code->co_name)) return false;
  if (now->func_qualname != (known.qualname ? known.qualname.get() : code->co_qualname)) return false;
  if (now->func_module != known.module.get()) return false;
  if (known.doc ? now->func_doc != known.doc.get() : !py::is_doc_of_code(code, now->func_doc)) return false;
  if (!is_same_tuple(known.defaults, now->func_defaults) || !is_same_dict(known.keyword_defaults, now->func_kwdefaults) ||
      !is_same_attributes(known.attributes, now->func_dict) ||
      !is_same_annotations(known.annotations, now->func_annotations)) {
    return false;
  }
  if (!holds(known.annotate, py::annotate_of(now))) return false;
  PyObject* const closure = now->func_closure;
  if ((closure == nullptr ? 0 : PyTuple_GET_SIZE(closure)) != static_cast<Py_ssize_t>(known.cells.size())) return false;
  for (std::size_t i = 0; i < known.cells.size(); ++i) {
    PyObject* const cell = PyTuple_GET_ITEM(closure, static_cast<Py_ssize_t>(i));
    if (!holds(graph.cells[known.cells[i]], PyCell_GET(cell))) return false;
  }
  return true;
}

}  // namespace

bool FunctionGraph::is_unchanged(PyObject* function, bool main_is_nowhere_now) const {
  if (main_is_nowhere_now != main_is_nowhere) return false;
  std::vector<py::Ref> objects;  // keeps them alive
  objects.reserve(functions.size());
  for (std::size_t i = 0; i < functions.size(); ++i) {
    py::Ref object = i == 0 ? py::Ref::borrow(function) : py::Ref();
    if (!object) PyWeakref_GetRef(functions[i].object.get(), object.out());
    if (!object || !is_same_function(*this, functions[i], object.get())) return false;
    objects.push_back(std::move(object));
  }
  for (const Globals& each : globals) {
    PyObject* const dict = PyFunction_GET_GLOBALS(objects[each.function].get());
    if (!std::ranges::all_of(each.list, [dict](const Item& item) { return holds_key(dict, item); })) return false;
  }
  for (const Named& named : names) {
    const py::Ref found = find_imported(named.module.get(), named.name.get());
    if (named.kind == Named::Kind::kBehindTag) {
      const py::Ref inside = found ? py::Ref::steal(PyObject_GetAttrString(found.get(), "fn")) : py::Ref();
      PyErr_Clear();
      if (!inside || !leads_to(named.object, inside.get())) return false;
    } else {
      if (!found || !leads_to(named.object, found.get())) return false;
      // Reloaded: its functions are other objects, but the module is the same one.
      if (named.spec && !leads_to(named.spec, spec_of(found.get()).get())) return false;
    }
  }
  PyObject* const modules = PyImport_GetModuleDict();
  return std::ranges::all_of(submodules, [modules](const Submodule& submodule) {
    const int is_there = PyDict_Contains(modules, submodule.name.get());
    if (is_there < 0) PyErr_Clear();
    return is_there == (submodule.is_imported ? 1 : 0);
  });
}

py::Ref find_imported(PyObject* module, PyObject* name) {
  py::Ref found;
  if (PyDict_GetItemRef(PyImport_GetModuleDict(), module, found.out()) < 0) PyErr_Clear();
  if (!found || name == nullptr) return found;
  if (!PyModule_Check(found.get())) return {};
  py::Ref member;
  if (PyDict_GetItemRef(PyModule_GetDict(found.get()), name, member.out()) < 0) PyErr_Clear();
  return member;
}

}  // namespace aiointerpreters::codec
