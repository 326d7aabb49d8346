// InstancesReader: the counterpart of instances.h. It finds the classes of the instances in a message. All classes are
// looked up before anything else is read, because importing runs Python code.
// Owner: one decoding. Requires: attached. Errors: Python exception set and false returned; std::bad_alloc.
#pragma once

#include <cstddef>
#include <vector>

#include "codec/blueprints.h"
#include "codec/runtime.h"
#include "py/python.h"

namespace aiointerpreters::codec {

class InstancesReader {
 public:
  InstancesReader() noexcept = default;
  InstancesReader(const InstancesReader&) = delete;
  InstancesReader& operator=(const InstancesReader&) = delete;

  // Reads the list at the end of a message, subtracts it from `size`, and looks up the classes. Runs Python.
  [[nodiscard]] bool open(Runtime& runtime, const unsigned char* data, std::size_t& size, StandIns stand_ins);

  [[nodiscard]] std::size_t size() const noexcept { return classes_.size(); }
  // Requires: index < size(). Borrows.
  [[nodiscard]] const Buildable& operator[](std::size_t index) const noexcept { return classes_[index]; }
  // Whether Python code may run while instances are created or hashed.
  [[nodiscard]] bool runs_python() const noexcept { return runs_python_; }

 private:
  std::vector<Buildable> classes_;
  bool runs_python_ = false;
};

}  // namespace aiointerpreters::codec
