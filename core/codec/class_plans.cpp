// See class_plans.h.
#include "codec/class_plans.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "codec/class_facts.h"
#include "codec/text.h"

namespace aiointerpreters::codec {

namespace {

// Whether pickle would use such an attribute of an instance instead of the class's.
bool speaks_for_pickle(PyObject* name) {
  for (const char* const special :
       {"__reduce_ex__", "__reduce__", "__getstate__", "__setstate__", "__getnewargs_ex__", "__getnewargs__"}) {
    if (PyUnicode_CompareWithASCIIString(name, special) == 0) return true;
  }
  return false;
}

bool append_utf8(std::vector<std::string>& names, PyObject* name) {
  const std::string_view text = utf8_view(name);
  if (text.data() == nullptr) return false;
  names.emplace_back(text);
  return true;
}

// Starts a layout with the class, without attribute names. False: the class cannot be found by name.
bool begin_layout(const ClassPlan& plan, Layout& layout) {
  std::vector<std::string> texts;
  if (!append_utf8(texts, plan.module.get()) || !append_utf8(texts, plan.qualname.get())) return false;
  layout.module = std::move(texts[0]);
  layout.qualname = std::move(texts[1]);
  return layout.qualname.find('<') == std::string::npos;  // <locals> of a function
}

// The layout whose names equal the keys of a dict, in order. `is_same(key, name)` compares them.
template <typename IsSame>
const ClassPlan::Known* find_layout(const ClassPlan& plan, PyObject* dict, IsSame&& is_same) {
  const auto has_keys = [&](const ClassPlan::Known& known) {
    if (static_cast<std::size_t>(PyDict_GET_SIZE(dict)) != known.names.size()) return false;
    Py_ssize_t position = 0;
    PyObject* key;
    for (std::size_t i = 0; PyDict_Next(dict, &position, &key, nullptr) != 0; ++i) {
      if (!is_same(key, known.names[i].get())) return false;
    }
    return true;
  };
  const auto found = std::find_if(plan.layouts.begin(), plan.layouts.end(), has_keys);
  return found == plan.layouts.end() ? nullptr : &*found;
}

// Whether a metaclass leaves the module and the qualified name of a class unchanged. Nothing else in a metaclass matters to
// pickle.
bool names_classes_plainly(PyTypeObject* metatype) {
  if (metatype == &PyType_Type) return true;
  PyObject* const module = find_in_class(metatype, "__module__");
  return metatype->tp_getattro == PyType_Type.tp_getattro && module != nullptr && PyUnicode_Check(module) != 0;
}

void find_out(PyTypeObject* type, ClassPlan& plan) {
  if (!is_plain(type) || !names_classes_plainly(Py_TYPE(type)) || !has_default_reduction(type)) return;
  PyObject* const module = find_in_class_alone(type, "__module__");
  if (module == nullptr || !PyUnicode_CheckExact(module)) return;
  plan.module = py::Ref::borrow(module);
  Layout layout;
  if (!begin_layout(plan, layout)) return;
  Storage storage = storage_of(type);
  plan.own_hash = has_own_hash(type);
  switch (storage.kind) {
    case Storage::Kind::kOther:
      return;
    case Storage::Kind::kDict:
      plan.native = has_default_state(type);
      return;
    default:
      break;
  }
  layout.state = Layout::State::kSlots;
  layout.order = std::move(storage.order);
  if (!has_default_state(type)) {
    layout.state = Layout::State::kFields;
    layout.order = fields_in_slots(type, storage.slots);
    if (layout.order.empty()) return;
  }
  for (const py::Ref& name : storage.slots) {
    if (!append_utf8(layout.names, name.get())) return;
  }
  plan.has_slots = true;
  const Layouts::Number number = Layouts::number_of(std::move(layout));
  if (number == Layouts::kNone) return;
  plan.layouts.push_back({number, std::move(storage.slots)});
  plan.native = true;
}

}  // namespace

ClassPlan& ClassPlans::find(PyTypeObject* type) {
  ClassPlan& plan = plans_[type];
  const unsigned version = version_of(type);
  PyObject* const qualname = reinterpret_cast<PyHeapTypeObject*>(type)->ht_qualname;  // may change while the version stays
  if (version == 0 || plan.version != version || plan.qualname.get() != qualname) {
    plan = ClassPlan();
    plan.qualname = py::Ref::borrow(qualname);
    if (version != 0) find_out(type, plan);
    plan.version = version;
  }
  return plan;
}

const ClassPlan::Known* ClassPlans::layout_of(ClassPlan& plan, PyObject* dict) {
  const auto is_that = [](PyObject* key, PyObject* name) { return key == name; };
  const auto is_equal = [](PyObject* key, PyObject* name) {
    return PyUnicode_CheckExact(key) && PyUnicode_Compare(key, name) == 0;
  };
  if (const ClassPlan::Known* const known = find_layout(plan, dict, is_that)) return known;
  if (const ClassPlan::Known* const known = find_layout(plan, dict, is_equal)) return known;
  if (plan.layouts.size() == ClassPlan::kLayoutsMax) return nullptr;
  Layout layout;
  if (!begin_layout(plan, layout)) return nullptr;
  ClassPlan::Known known;
  Py_ssize_t position = 0;
  PyObject* key;
  while (PyDict_Next(dict, &position, &key, nullptr) != 0) {
    if (!PyUnicode_CheckExact(key) || speaks_for_pickle(key) || !append_utf8(layout.names, key)) return nullptr;
    known.names.push_back(py::Ref::borrow(key));
  }
  known.number = Layouts::number_of(std::move(layout));
  if (known.number == Layouts::kNone) return nullptr;
  plan.layouts.push_back(std::move(known));
  return &plan.layouts.back();
}

}  // namespace aiointerpreters::codec
