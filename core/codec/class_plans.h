// ClassPlans: what one interpreter has found out about the classes whose instances it sends: which of them the codec can
// take apart by itself, and the layouts of their instances. It is found out once, and once more when the class has changed.
//
// Taken apart are instances that `pickle` would give to `object.__reduce_ex__`: of classes made by a class statement, with
// or without slots, dataclasses among them, where nothing says otherwise (no reduction, state,
// attribute access or `__new__` of its own).
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

  static constexpr std::size_t kLayoutsMax = 8;  // instances with ever other attributes are left to pickle
};

class ClassPlans {
 public:
  // Borrowed until `forget_many`.
  [[nodiscard]] ClassPlan& find(PyTypeObject* type);
  // The layout of an instance with such a dict; null: it has to be left to pickle.
  [[nodiscard]] static const ClassPlan::Known* layout_of(ClassPlan& plan, PyObject* dict);
  // Forgets all if there are very many, most of them of classes that are gone. Call it between two messages.
  void forget_many() {
    if (plans_.size() > kMany) plans_.clear();
  }

 private:
  static constexpr std::size_t kMany = 1024;

  // By address: a class that takes the place of one that is gone has another version.
  std::unordered_map<PyTypeObject*, ClassPlan> plans_;
};

}  // namespace aiointerpreters::codec
