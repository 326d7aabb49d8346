// Facts about a class and its instances, read without running any Python code.
// Requires: attached, for every function here. Errors: none; a class whose facts cannot be determined counts as special.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// The attribute of that name in the class or a base; borrowed, null if there is none.
[[nodiscard]] PyObject* find_in_class(PyTypeObject* type, const char* name);
[[nodiscard]] PyObject* find_in_class(PyTypeObject* type, PyObject* name);
// The same, without its bases.
[[nodiscard]] PyObject* find_in_class_alone(PyTypeObject* type, const char* name);

// The version that CPython gives to the current state of a class. It changes with every change of the class or of a base.
// No other class of the interpreter ever has the same version. 0: no version is available.
[[nodiscard]] unsigned version_of(PyTypeObject* type) noexcept;

// The place of the attributes that make up an instance's state in `object.__getstate__`.
struct Storage {
  enum class Kind : std::uint8_t { kNowhere, kDict, kSlots, kOther };
  Kind kind = Kind::kOther;
  std::vector<py::Ref> slots;        // the names of the slots, interned, in their order in memory
  std::vector<std::uint16_t> order;  // for pickle's order: the index of the first slot, the second, ...
};
[[nodiscard]] Storage storage_of(PyTypeObject* type);
// The start of an instance's slots. Requires: storage_of its class has slots.
[[nodiscard]] inline PyObject** slots_of(PyObject* instance) noexcept {
  return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(instance) + sizeof(PyObject));
}

// Whether instances are created by `object.__new__` alone, and attributes are looked up as in `object`.
[[nodiscard]] bool is_plain(PyTypeObject* type) noexcept;
// Whether `pickle` reduces an instance as `object` does: nothing in the class changes that, except `__getstate__`.
[[nodiscard]] bool has_default_reduction(PyTypeObject* type);
[[nodiscard]] bool has_default_state(PyTypeObject* type);
// `dataclasses` gives frozen dataclasses with slots the methods for their state. If the class is one, and its fields are
// its slots: the index of the slot for the first field, the second, ...; otherwise empty.
[[nodiscard]] std::vector<std::uint16_t> fields_in_slots(PyTypeObject* type, const std::vector<py::Ref>& slots);
// Whether hashing or comparing an instance may run Python code.
[[nodiscard]] bool has_own_hash(PyTypeObject* type) noexcept;

}  // namespace aiointerpreters::codec
