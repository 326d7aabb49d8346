// ClassPlans: what one interpreter has found out about the classes whose instances it sends: whether the codec can take
// their instances apart by itself, and the layouts of these. This is found out once, and again when the class has changed.
//
// The codec takes apart instances that `pickle` would give to `object.__reduce_ex__`. Their class comes from a class
// statement, with or without slots; it may be a dataclass. It defines no reduction, state, attribute access or `__new__` of
// its own.
// Requires: attached, for every use. Runs no Python code. Errors: std::bad_alloc.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "codec/layout.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

struct ClassPlan {
  struct Known {
    Layouts::Number number = Layouts::kNone;
    std::vector<py::Ref> names;
  };

  unsigned version = 0;  // of the class, when this was found out (class_facts.h)
  bool native = false;   // its instances are taken apart
  bool has_slots = false;
  bool own_hash = false;
  py::Ref module;  // str, as its qualified name is one
  py::Ref qualname;
  std::vector<Known> layouts;  // has_slots: the one; else those that dicts have had

  static constexpr std::size_t kLayoutsMax = 8;  // instances with ever different attributes are left to pickle
};

class ClassPlans {
 public:
  // Borrowed until `forget_many`.
  [[nodiscard]] ClassPlan& find(PyTypeObject* type);
  // The layout of an instance with such a dict; null: the instance has to be left to pickle.
  [[nodiscard]] static const ClassPlan::Known* layout_of(ClassPlan& plan, PyObject* dict);
  // Forgets all plans if there are very many, most of them of dead classes. Call it between two messages.
  void forget_many() {
    if (plans_.size() > kMany) plans_.clear();
  }

 private:
  static constexpr std::size_t kMany = 1024;

  // By address: a class at the address of a dead one has another version.
  std::unordered_map<PyTypeObject*, ClassPlan> plans_;
};

}  // namespace aiointerpreters::codec
