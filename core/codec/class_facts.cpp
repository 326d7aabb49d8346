// See class_facts.h.
#include "codec/class_facts.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "codec/text.h"

namespace aiointerpreters::codec {

namespace {

// Calls `see(base, dict)` with the class and each base, with its dict, in the order of look-up, until it returns false.
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

// The member descriptor that a class statement creates for one of its __slots__; null for anything else.
const PyMemberDef* slot_member(PyObject* found) {
  if (!Py_IS_TYPE(found, &PyMemberDescr_Type)) return nullptr;
  const PyMemberDef* const member = reinterpret_cast<PyMemberDescrObject*>(found)->d_member;
  return member->type == Py_T_OBJECT_EX && (member->flags & Py_READONLY) == 0 ? member : nullptr;
}

// Appends the attribute name of a slot, unless the slot is not an attribute. False: no memory.
bool append_slot(PyTypeObject* type, PyObject* name, std::vector<py::Ref>& names) {
  if (PyUnicode_CompareWithASCIIString(name, "__dict__") == 0 || PyUnicode_CompareWithASCIIString(name, "__weakref__") == 0)
    return true;
  const std::string_view given = utf8_view(name);
  if (given.data() == nullptr) return false;
  std::string_view owner = type->tp_name;
  owner.remove_prefix(std::min(owner.find_first_not_of('_'), owner.size()));
  if (!given.starts_with("__") || given.ends_with("__") || owner.empty()) {
    names.push_back(py::Ref::borrow(name));
    return true;
  }
  const std::string mangled = "_" + std::string(owner) + std::string(given);
  py::Ref str = py::Ref::steal(PyUnicode_DecodeUTF8(mangled.data(), static_cast<Py_ssize_t>(mangled.size()), nullptr));
  if (!str) return PyErr_Clear(), false;
  names.push_back(std::move(str));
  return true;
}

// Lists the slots of the class and its bases in pickle's order (copyreg). False: they cannot be determined.
bool list_declared_slots(PyTypeObject* type, std::vector<py::Ref>& names) {
  const py::Ref key = py::Ref::steal(PyUnicode_InternFromString("__slots__"));
  if (!key) return PyErr_Clear(), false;
  bool known = true;
  each_dict(type, [&](PyTypeObject* base, PyObject* dict) {
    PyObject* const declared = get_item(dict, key.get());
    const auto take = [&](PyObject* name) { known = known && PyUnicode_CheckExact(name) && append_slot(base, name, names); };
    if (declared == nullptr) return true;
    if (PyUnicode_CheckExact(declared)) {
      take(declared);
    } else if (PyTuple_CheckExact(declared) || PyList_CheckExact(declared)) {
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(declared); ++i) take(PySequence_Fast_GET_ITEM(declared, i));
    } else if (PyDict_CheckExact(declared)) {
      Py_ssize_t position = 0;
      PyObject* name;
      while (PyDict_Next(declared, &position, &name, nullptr) != 0) take(name);
    } else {
      known = false;
    }
    return known;
  });
  return known;
}

// Whether pickle uses the same slot names. It caches them in the class as `__slotnames__`, and that attribute may have
// other content.
bool are_slot_names(PyTypeObject* type, const std::vector<py::Ref>& names) {
  PyObject* const kept = find_in_class_alone(type, "__slotnames__");
  if (kept == nullptr) return true;
  if (!PyList_CheckExact(kept) || static_cast<std::size_t>(PyList_GET_SIZE(kept)) != names.size()) return false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    PyObject* const name = PyList_GET_ITEM(kept, static_cast<Py_ssize_t>(i));
    if (!PyUnicode_CheckExact(name) || PyUnicode_Compare(name, names[i].get()) != 0) return false;
  }
  return true;
}

// The position of each name in another list of the same length. Empty: one of them is missing.
std::vector<std::uint16_t> places_of(const std::vector<py::Ref>& names, const std::vector<py::Ref>& among) {
  std::vector<std::uint16_t> places;
  for (const py::Ref& name : names) {
    const auto is_it = [&](const py::Ref& one) { return PyUnicode_Compare(one.get(), name.get()) == 0; };
    const auto found = std::find_if(among.begin(), among.end(), is_it);
    const auto place = static_cast<std::uint16_t>(found - among.begin());
    if (found == among.end() || std::find(places.begin(), places.end(), place) != places.end()) return {};
    places.push_back(place);
  }
  return places;
}

// Finds the name of each slot. False: a slot has no name, several names, or a name that leads elsewhere.
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

PyObject* find_in_class_alone(PyTypeObject* type, const char* name) {
  const py::Ref key = py::Ref::steal(PyUnicode_InternFromString(name));
  const py::Ref dict = py::Ref::steal(PyType_GetDict(type));
  if (!key) PyErr_Clear();
  return key ? get_item(dict.get(), key.get()) : nullptr;
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
  std::vector<py::Ref> declared;
  if (!list_declared_slots(type, declared) || !are_slot_names(type, declared) || declared.size() != slots.size() ||
      (has_dict && !slots.empty()))
    return storage;
  if (has_dict) {
    PyObject* const dict = find_in_class(type, "__dict__");
    if (dict != nullptr && Py_IS_TYPE(dict, &PyGetSetDescr_Type)) storage.kind = Storage::Kind::kDict;
  } else if (slots.empty()) {
    storage.kind = Storage::Kind::kNowhere;
  } else if (name_slots(type, slots)) {
    storage.order = places_of(declared, slots);
    if (!storage.order.empty()) storage.kind = Storage::Kind::kSlots;
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
  std::vector<py::Ref> names;
  Py_ssize_t position = 0;
  PyObject* name;
  PyObject* field;
  while (PyDict_Next(fields, &position, &name, &field) != 0) {
    if (!PyUnicode_CheckExact(name) || reinterpret_cast<PyObject*>(Py_TYPE(field)) != field_type) return {};
    const py::Ref kind = py::Ref::steal(PyObject_GetAttrString(field, "_field_type"));  // `_field_type` is a slot of Field
    if (!kind) return PyErr_Clear(), std::vector<std::uint16_t>();
    if (kind.get() == is_field) names.push_back(py::Ref::borrow(name));  // otherwise it is a ClassVar or an InitVar
  }
  return names.size() == slots.size() ? places_of(names, slots) : std::vector<std::uint16_t>();
}

bool has_own_hash(PyTypeObject* type) noexcept {
  if (type->tp_hash == PyObject_HashNotImplemented) return false;  // it cannot be a key
  return type->tp_hash != PyBaseObject_Type.tp_hash || type->tp_richcompare != PyBaseObject_Type.tp_richcompare;
}

}  // namespace aiointerpreters::codec
