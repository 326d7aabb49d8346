// See instances.h.
#include "codec/instances.h"

#include <algorithm>
#include <cstdint>

#include "codec/class_facts.h"
#include "codec/pickling.h"
#include "codec/qualified_name.h"
#include "codec/text.h"

namespace aiointerpreters::codec {

namespace {

// The dict of the instance, which owns it. Always an exact dict. Null: there is none, or another object also refers to it
// and may be part of the message.
PyObject* own_dict(PyObject* object) {
  PyObject* const dict = PyObject_GenericGetDict(object, nullptr);
  if (dict == nullptr) return PyErr_Clear(), nullptr;
  const bool is_own = PyDict_CheckExact(dict) && Py_REFCNT(dict) == 2;
  Py_DECREF(dict);
  return is_own ? dict : nullptr;
}

}  // namespace

bool Instances::describe(PyObject* object, Form& out) {
  PyTypeObject* const type = Py_TYPE(object);
  if (type != last_type_) {
    if (!is_plain(type)) return false;
    if (last_type_ == nullptr) runtime_.class_plans.forget_many();
    ClassPlan& plan = runtime_.class_plans.find(type);
    last_type_ = type;
    last_ = plan.native ? &plan : nullptr;
  }
  if (last_ == nullptr) return false;
  const ClassPlan::Known* known = nullptr;
  if (last_->has_slots) {
    known = &last_->layouts.front();
    out.dict = nullptr;
    out.slots = slots_of(object);
    PyObject* const* const end = out.slots + known->names.size();
    if (std::find(out.slots, end, nullptr) != end) return false;
  } else {
    out.dict = own_dict(object);
    out.slots = nullptr;
    known = out.dict == nullptr ? nullptr : ClassPlans::layout_of(*last_, out.dict);
    if (known == nullptr) return false;
  }
  out.count = known->names.size();
  out.index = index_of(type, *last_, known->number);
  return out.index != kMax;
}

std::size_t Instances::index_of(PyTypeObject* type, const ClassPlan& plan, Layouts::Number number) {
  auto* const object = reinterpret_cast<PyObject*>(type);
  const auto is_same = [&](const Used& used) { return used.number == number && used.type.get() == object; };
  if (last_index_ < used_.size() && is_same(used_[last_index_])) return last_index_;
  const auto found = std::find_if(used_.begin(), used_.end(), is_same);
  last_index_ = static_cast<std::size_t>(found - used_.begin());
  if (found == used_.end() && last_index_ != kMax) {
    used_.push_back(
        {py::Ref::borrow(object), py::Ref::borrow(plan.module.get()), py::Ref::borrow(plan.qualname.get()), number});
    own_hash_ = own_hash_ || plan.own_hash;
  }
  return last_index_;
}

bool Instances::is_to_be_found(const Used& used, bool& needs_main) {
  const bool in_main = is_main(utf8_view(used.module.get()));
  if (in_main && runtime_.main_is_nowhere) return false;
  needs_main = needs_main || in_main;
  PyObject* const type = used.type.get();
  auto* const metatype = reinterpret_cast<PyObject*>(Py_TYPE(type));
  PyObject* const table = reduction_table(runtime_);
  if (table == nullptr || !PyDict_CheckExact(table)) return false;
  if (PyDict_Contains(table, type) != 0 || PyDict_Contains(table, metatype) != 0) return false;
  return follow(py::Ref::steal(PyImport_GetModule(used.module.get())), utf8_view(used.qualname.get())).get() == type;
}

bool Instances::confirm(Message& out) {
  bool needs_main = false;
  for (const Used& used : used_) {
    if (is_to_be_found(used, needs_main)) continue;
    PyErr_Clear();
    return false;
  }
  for (const Used& used : used_) out.bytes.append(&used.number, sizeof used.number);
  const auto count = static_cast<std::uint32_t>(used_.size());
  out.bytes.append(&count, sizeof count);
  out.form = Message::Form::kInstances;
  out.needs_main = out.needs_main || needs_main;
  return true;
}

}  // namespace aiointerpreters::codec
