// ClassPlans: facts about the classes whose instances one interpreter sends: whether the codec can take the instances apart
// itself, and their layouts. The facts are determined once, and again if the class has changed.
//
// The codec takes apart instances that `pickle` would reduce by `object.__reduce_ex__`. Their class comes from a class
// statement, with or without slots; it may be a dataclass. It does not define its own reduction, state, attribute access or
// `__new__`.
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

  unsigned version = 0;  // of the class when the facts were determined (class_facts.h)
  bool native = false;   // the codec takes its instances apart
  bool has_slots = false;
  bool own_hash = false;
  py::Ref module;  // str, like qualname
  py::Ref qualname;
  std::vector<Known> layouts;  // has_slots: exactly one; otherwise one for each set of dict keys seen so far

  static constexpr std::size_t kLayoutsMax = 8;  // if the attributes differ more than this, pickle takes over
};

class ClassPlans {
 public:
  // Borrowed until `forget_many`.
  [[nodiscard]] ClassPlan& find(PyTypeObject* type);
  // The layout of an instance with this dict. Null: the instance is left to pickle.
  [[nodiscard]] static const ClassPlan::Known* layout_of(ClassPlan& plan, PyObject* dict);
  // Forgets all plans if there are very many, most of them of dead classes. Call it between two messages.
  void forget_many() {
    if (plans_.size() > kMany) plans_.clear();
  }

 private:
  static constexpr std::size_t kMany = 1024;

  // By address: if a class has the address of a dead one, its version differs.
  std::unordered_map<PyTypeObject*, ClassPlan> plans_;
};

}  // namespace aiointerpreters::codec
