// See class_facts.h.
#include "codec/class_facts.h"

#include <structmember.h>

#include <algorithm>

#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// Calls `see(dict)` with the dict of the class and of each base, in the order of look-up, until it returns false.
template <typename See>
void each_dict(PyTypeObject* type, See&& see) {
  PyObject* const mro = type->tp_mro;
  if (mro == nullptr) return;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); ++i) {
    auto* const base = reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(mro, i));
    const py::Ref dict = py::Ref::steal(PyType_GetDict(base));
    if (!see(base, dict.get())) return;
  }
}

PyObject* get_item(PyObject* dict, PyObject* name) {
  PyObject* const found = dict == nullptr ? nullptr : PyDict_GetItemWithError(dict, name);
  if (found == nullptr) PyErr_Clear();
  return found;
}

// An attribute of a module that has been imported; borrowed from it, or null.
PyObject* find_in_module(const char* module_name, const char* name) {
  const py::Ref module_key = py::Ref::steal(PyUnicode_InternFromString(module_name));
  const py::Ref key = py::Ref::steal(PyUnicode_InternFromString(name));
  const py::Ref module = module_key ? py::Ref::steal(PyImport_GetModule(module_key.get())) : py::Ref();
  PyErr_Clear();
  if (!module || !key || !PyModule_CheckExact(module.get())) return nullptr;
  return get_item(PyModule_GetDict(module.get()), key.get());
}

// A descriptor that a class statement makes for one of its __slots__.
const PyMemberDef* slot_member(PyObject* found) {
  if (!Py_IS_TYPE(found, &PyMemberDescr_Type)) return nullptr;
  const PyMemberDef* const member = reinterpret_cast<PyMemberDescrObject*>(found)->d_member;
  return member->type == Py_T_OBJECT_EX && (member->flags & Py_READONLY) == 0 ? member : nullptr;
}

// How many names the `__slots__` of the class and its bases list, not counting those that are no slots; -1: it cannot be said.
Py_ssize_t count_declared_slots(PyTypeObject* type) {
  const py::Ref key = py::Ref::steal(PyUnicode_InternFromString("__slots__"));
  if (!key) return PyErr_Clear(), -1;
  Py_ssize_t count = 0;
  const auto counts = [](PyObject* name) {
    return PyUnicode_CompareWithASCIIString(name, "__dict__") != 0 &&
           PyUnicode_CompareWithASCIIString(name, "__weakref__") != 0;
  };
  each_dict(type, [&](PyTypeObject*, PyObject* dict) {
    PyObject* const declared = get_item(dict, key.get());
    if (declared == nullptr) return true;
    if (PyUnicode_CheckExact(declared)) {
      count += counts(declared) ? 1 : 0;
      return true;
    }
    const bool listed = PyTuple_CheckExact(declared) || PyList_CheckExact(declared);
    for (Py_ssize_t i = 0; listed && i < PySequence_Fast_GET_SIZE(declared); ++i) {
      PyObject* const name = PySequence_Fast_GET_ITEM(declared, i);
      if (!PyUnicode_CheckExact(name)) return count = -1, false;
      count += counts(name) ? 1 : 0;
    }
    if (listed) return true;
    if (!PyDict_CheckExact(declared)) return count = -1, false;
    Py_ssize_t position = 0;
    PyObject* name;
    while (PyDict_Next(declared, &position, &name, nullptr) != 0) {
      if (!PyUnicode_CheckExact(name)) return count = -1, false;
      count += counts(name) ? 1 : 0;
    }
    return true;
  });
  return count;
}

// Finds the name of each slot. False: one has none, or several, or a name that leads elsewhere.
bool name_slots(PyTypeObject* type, std::vector<py::Ref>& slots) {
  bool known = true;
  each_dict(type, [&](PyTypeObject*, PyObject* dict) {
    Py_ssize_t position = 0;
    PyObject* name;
    PyObject* found;
    while (known && dict != nullptr && PyDict_Next(dict, &position, &name, &found) != 0) {
      const PyMemberDef* const member = slot_member(found);
      if (member == nullptr) continue;
      const auto index = (static_cast<std::size_t>(member->offset) - sizeof(PyObject)) / sizeof(PyObject*);
      known = PyUnicode_CheckExact(name) && index < slots.size() && !slots[index] && find_in_class(type, name) == found;
      if (known) slots[index] = py::Ref::borrow(name);
    }
    return known;
  });
  return known && std::all_of(slots.begin(), slots.end(), [](const py::Ref& name) { return static_cast<bool>(name); });
}

}  // namespace

PyObject* find_in_class(PyTypeObject* type, PyObject* name) {
  PyObject* found = nullptr;
  each_dict(type, [&](PyTypeObject*, PyObject* dict) {
    found = get_item(dict, name);
    return found == nullptr;
  });
  return found;
}

PyObject* find_in_class(PyTypeObject* type, const char* name) {
  const py::Ref key = py::Ref::steal(PyUnicode_InternFromString(name));
  if (!key) PyErr_Clear();
  return key ? find_in_class(type, key.get()) : nullptr;
}

unsigned version_of(PyTypeObject* type) noexcept {
  if (type->tp_version_tag != 0) return type->tp_version_tag;
  return PyUnstable_Type_AssignVersionTag(type) == 1 ? type->tp_version_tag : 0;
}

Storage storage_of(PyTypeObject* type) {
  Storage storage;
  const bool has_dict = PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT) != 0;
  if (!has_dict && type->tp_dictoffset != 0) return storage;
  if (PyType_HasFeature(type, Py_TPFLAGS_MANAGED_WEAKREF) == 0 && type->tp_weaklistoffset != 0) return storage;
  const auto beyond = static_cast<std::size_t>(type->tp_basicsize) - sizeof(PyObject);
  std::vector<py::Ref> slots(beyond / sizeof(PyObject*));
  if (count_declared_slots(type) != static_cast<Py_ssize_t>(slots.size()) || (has_dict && !slots.empty())) return storage;
  if (has_dict) {
    PyObject* const dict = find_in_class(type, "__dict__");
    if (dict != nullptr && Py_IS_TYPE(dict, &PyGetSetDescr_Type)) storage.kind = Storage::Kind::kDict;
  } else if (slots.empty()) {
    storage.kind = Storage::Kind::kNowhere;
  } else if (name_slots(type, slots)) {
    storage.kind = Storage::Kind::kSlots;
    storage.slots = std::move(slots);
  }
  return storage;
}

bool is_plain(PyTypeObject* type) noexcept {
  return PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) != 0 && type->tp_new == PyBaseObject_Type.tp_new &&
         type->tp_itemsize == 0 && type->tp_getattro == PyObject_GenericGetAttr;
}

bool has_default_reduction(PyTypeObject* type) {
  for (const char* const name : {"__reduce_ex__", "__reduce__", "__class__"}) {
    if (find_in_class(type, name) != find_in_class(&PyBaseObject_Type, name)) return false;
  }
  for (const char* const name : {"__getnewargs_ex__", "__getnewargs__"}) {
    if (find_in_class(type, name) != nullptr) return false;
  }
  return true;
}

bool has_default_state(PyTypeObject* type) {
  return find_in_class(type, "__getstate__") == find_in_class(&PyBaseObject_Type, "__getstate__");
}

std::vector<std::uint16_t> fields_in_slots(PyTypeObject* type, const std::vector<py::Ref>& slots) {
  PyObject* const getstate = find_in_class(type, "__getstate__");
  PyObject* const setstate = find_in_class(type, "__setstate__");
  PyObject* const fields = find_in_class(type, "__dataclass_fields__");
  PyObject* const is_field = find_in_module("dataclasses", "_FIELD");
  PyObject* const field_type = find_in_module("dataclasses", "Field");
  if (getstate == nullptr || getstate != find_in_module("dataclasses", "_dataclass_getstate") || setstate == nullptr ||
      setstate != find_in_module("dataclasses", "_dataclass_setstate")) {
    return {};
  }
  if (is_field == nullptr || fields == nullptr || !PyDict_CheckExact(fields)) return {};
  std::vector<std::uint16_t> found;
  Py_ssize_t position = 0;
  PyObject* name;
  PyObject* field;
  while (PyDict_Next(fields, &position, &name, &field) != 0) {
    if (!PyUnicode_CheckExact(name) || reinterpret_cast<PyObject*>(Py_TYPE(field)) != field_type) return {};
    const py::Ref kind = py::Ref::steal(PyObject_GetAttrString(field, "_field_type"));  // a slot of Field
    if (!kind) return PyErr_Clear(), std::vector<std::uint16_t>();
    if (kind.get() != is_field) continue;  // a ClassVar or an InitVar
    const auto slot = std::find_if(slots.begin(), slots.end(),
                                   [&](const py::Ref& one) { return PyUnicode_Compare(one.get(), name) == 0; });
    if (slot == slots.end()) return {};
    found.push_back(static_cast<std::uint16_t>(slot - slots.begin()));
  }
  return found.size() == slots.size() ? found : std::vector<std::uint16_t>();
}

bool has_own_hash(PyTypeObject* type) noexcept {
  if (type->tp_hash == PyObject_HashNotImplemented) return false;  // it is no key
  return type->tp_hash != PyBaseObject_Type.tp_hash || type->tp_richcompare != PyBaseObject_Type.tp_richcompare;
}

}  // namespace aiointerpreters::codec
