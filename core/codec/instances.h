// Instances: the instances in one message that are encoded natively (class_plans.h).
//
// The encoder asks how to write each of them. At the end, `confirm` checks each class as pickle would: looking up its name
// finds this class, and no other reduction is registered for it (copyreg). If a check fails, pickle has to write the
// message.
// Owner: one encoding. Requires: attached. Errors: std::bad_alloc.
#pragma once

#include <cstddef>
#include <vector>

#include "codec/class_plans.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class Instances {
 public:
  explicit Instances(Runtime& runtime) noexcept : runtime_(runtime) {}
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;

  // How to write an instance.
  struct Form {
    std::size_t index;       // of its layout, among those of the message
    std::size_t count;       // of its attributes
    PyObject* dict;          // holds the values; null: they are in slots. The instance owns it.
    PyObject* const* slots;  // the slots
  };
  // False: the instance is left to pickle. Runs no Python code.
  [[nodiscard]] bool describe(PyObject* object, Form& out);

  [[nodiscard]] bool any() const noexcept { return !used_.empty(); }
  // Whether hashing or comparing an instance may run Python code.
  [[nodiscard]] bool any_own_hash() const noexcept { return own_hash_; }

  // Call it when everything has been written. Returns whether the message is valid. Then appends the numbers of the
  // layouts. Runs Python.
  [[nodiscard]] bool confirm(Message& out);

 private:
  struct Used {
    py::Ref type;
    py::Ref module;
    py::Ref qualname;
    Layouts::Number number;
  };
  [[nodiscard]] bool is_to_be_found(const Used& used, bool& needs_main);
  [[nodiscard]] std::size_t index_of(PyTypeObject* type, const ClassPlan& plan, Layouts::Number number);

  static constexpr std::size_t kMax = 256;  // layouts in one message

  Runtime& runtime_;
  std::vector<Used> used_;
  std::size_t last_index_ = 0;
  PyTypeObject* last_type_ = nullptr;
  ClassPlan* last_ = nullptr;  // of last_type_; null: its instances are left to pickle
  bool own_hash_ = false;
};

}  // namespace aiointerpreters::codec
