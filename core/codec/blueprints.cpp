// See blueprints.h.
#include "codec/blueprints.h"

#include <algorithm>
#include <utility>

#include "codec/class_facts.h"
#include "codec/corrupt.h"
#include "codec/pickling.h"
#include "codec/qualified_name.h"
#include "codec/runtime.h"

namespace aiointerpreters::codec {

namespace {

py::Ref str_of(const std::string& text) {
  PyObject* str = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
  if (str != nullptr) PyUnicode_InternInPlace(&str);
  return py::Ref::steal(str);
}

// The object that the blueprint's name leads to, if its module has been imported. Otherwise null without an exception.
py::Ref find_again(const Blueprint& blueprint) {
  py::Ref found = follow(py::Ref::steal(PyImport_GetModule(blueprint.module.get())), blueprint.layout->qualname);
  if (!found) PyErr_Clear();
  return found;
}

bool is_class_for_pickle(PyObject* found) {
  if (PyType_Check(found) && reinterpret_cast<PyTypeObject*>(found)->tp_new != nullptr) return true;
  PyErr_Format(PyExc_TypeError, "%R is not a class that can be instantiated", found);
  return false;
}

// Whether `object.__setattr__` stores an attribute in the dict of an instance.
bool goes_into_dict(PyTypeObject* type, PyObject* name) {
  PyObject* const found = find_in_class(type, name);
  if (found == nullptr) return true;
  PyTypeObject* const found_type = Py_TYPE(found);
  const bool may_change = PyType_HasFeature(found_type, Py_TPFLAGS_IMMUTABLETYPE) == 0 &&
                          PyType_HasFeature(found_type, Py_TPFLAGS_HEAPTYPE) != 0;
  return found_type->tp_descr_set == nullptr && !may_change;
}

bool has_same_slots(const Storage& storage, const std::vector<py::Ref>& names) {
  return (storage.kind == Storage::Kind::kSlots || (storage.kind == Storage::Kind::kNowhere && names.empty())) &&
         std::equal(storage.slots.begin(), storage.slots.end(), names.begin(), names.end(),
                    [](const py::Ref& a, const py::Ref& b) { return PyUnicode_Compare(a.get(), b.get()) == 0; });
}

Blueprint::How how_to_make(PyTypeObject* type, const Blueprint& blueprint) {
  using How = Blueprint::How;
  if (!is_plain(type)) return How::kByPickle;
  const Storage storage = storage_of(type);
  const bool has_setstate = find_in_class(type, "__setstate__") != nullptr;
  switch (blueprint.layout->state) {
    case Layout::State::kDict: {
      const bool all = std::all_of(blueprint.names.begin(), blueprint.names.end(),
                                   [&](const py::Ref& name) { return goes_into_dict(type, name.get()); });
      return storage.kind == Storage::Kind::kDict && !has_setstate && all ? How::kAttributes : How::kByPickle;
    }
    case Layout::State::kSlots:
      return has_same_slots(storage, blueprint.names) && !has_setstate && type->tp_setattro == PyObject_GenericSetAttr
                 ? How::kSlots
                 : How::kByPickle;
    case Layout::State::kFields:
      return has_same_slots(storage, blueprint.names) && fields_in_slots(type, storage.slots) == blueprint.layout->order
                 ? How::kSlots
                 : How::kByPickle;
  }
  return How::kByPickle;
}

// Errors: null with an exception set.
BlueprintPtr draw(std::size_t number, const Layout& layout, PyObject* type) {
  auto blueprint = std::make_shared<Blueprint>();
  blueprint->number = static_cast<Layouts::Number>(number);
  blueprint->layout = &layout;
  blueprint->module = str_of(layout.module);
  if (!blueprint->module) return {};
  for (const std::string& name : layout.names) {
    blueprint->names.push_back(str_of(name));
    if (!blueprint->names.back()) return {};
  }
  auto* const as_type = reinterpret_cast<PyTypeObject*>(type);
  blueprint->how = how_to_make(as_type, *blueprint);
  blueprint->version = version_of(as_type);
  blueprint->own_hash = has_own_hash(as_type);
  return blueprint;
}

// Calls `see(name, value)` with the attributes in pickle's order, until it returns false.
template <typename See>
bool each_attribute(const Blueprint& blueprint, PyObject* values, See&& see) {
  const std::vector<std::uint16_t>& order = blueprint.layout->order;
  for (std::size_t i = 0; i < blueprint.size(); ++i) {
    const std::size_t place = order.empty() ? i : order[i];
    if (!see(blueprint.names[place].get(), PyList_GET_ITEM(values, static_cast<Py_ssize_t>(place)))) return false;
  }
  return true;
}

// The state that pickle would write.
py::Ref state_of(const Blueprint& blueprint, PyObject* values) {
  if (blueprint.layout->state == Layout::State::kFields) {
    py::Ref list = py::Ref::steal(PyList_New(0));
    if (!list) return {};
    const bool all =
        each_attribute(blueprint, values, [&](PyObject*, PyObject* value) { return PyList_Append(list.get(), value) == 0; });
    return all ? std::move(list) : py::Ref();
  }
  py::Ref dict = py::Ref::steal(PyDict_New());
  if (!dict) return {};
  if (!each_attribute(blueprint, values,
                      [&](PyObject* name, PyObject* value) { return PyDict_SetItem(dict.get(), name, value) == 0; })) {
    return {};
  }
  if (blueprint.layout->state == Layout::State::kDict) return dict;
  return py::Ref::steal(PyTuple_Pack(2, Py_None, dict.get()));
}

}  // namespace

bool is_as_drawn(const Buildable& buildable) noexcept {
  // No other class of this interpreter ever gets this version.
  const unsigned version = buildable.blueprint->version;
  return version != 0 && reinterpret_cast<PyTypeObject*>(buildable.type.get())->tp_version_tag == version;
}

Buildable Blueprints::find(Runtime& runtime, std::size_t number, StandIns stand_ins) {
  const Layout* const layout = Layouts::find(number);
  if (layout == nullptr) return corrupt_message(), Buildable{};
  if (number < drawn_.size() && drawn_[number]) {
    BlueprintPtr drawn = drawn_[number];
    py::Ref type = find_again(*drawn);
    Buildable known{std::move(type), std::move(drawn)};
    if (known.type && PyType_Check(known.type.get()) && is_as_drawn(known)) return known;
  }
  py::Ref type = find_class(runtime, layout->module, layout->qualname, stand_ins);
  if (!type || !is_class_for_pickle(type.get())) return {};
  BlueprintPtr drawn = draw(number, *layout, type.get());
  if (!drawn) return {};
  if (stand_ins == StandIns::kNone) {
    if (drawn_.size() <= number) drawn_.resize(number + 1);
    drawn_[number] = drawn;
  }
  return {std::move(type), std::move(drawn)};
}

bool build_by_pickle(const Blueprint& blueprint, PyObject* instance, PyObject* values) {
  const py::Ref state = state_of(blueprint, values);
  if (!state) return false;
  py::Ref setstate;
  const py::Ref key = py::Ref::steal(PyUnicode_InternFromString("__setstate__"));
  if (!key || PyObject_GetOptionalAttr(instance, key.get(), setstate.out()) < 0) return false;
  if (setstate) return static_cast<bool>(py::Ref::steal(PyObject_CallOneArg(setstate.get(), state.get())));
  if (blueprint.layout->state == Layout::State::kDict) {
    const py::Ref dict = py::Ref::steal(PyObject_GetAttrString(instance, "__dict__"));
    return dict && each_attribute(blueprint, values, [&](PyObject* name, PyObject* value) {
             return PyObject_SetItem(dict.get(), name, value) == 0;
           });
  }
  return each_attribute(blueprint, values,
                        [&](PyObject* name, PyObject* value) { return PyObject_SetAttr(instance, name, value) == 0; });
}

}  // namespace aiointerpreters::codec
