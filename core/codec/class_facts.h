// What a class says about its instances, read without running any Python code.
// Requires: attached, for every function here. Errors: none; what cannot be found out counts as special.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// What an attribute of that name is in the class or a base; borrowed, null if there is none.
[[nodiscard]] PyObject* find_in_class(PyTypeObject* type, const char* name);
[[nodiscard]] PyObject* find_in_class(PyTypeObject* type, PyObject* name);
// The same, without its bases.
[[nodiscard]] PyObject* find_in_class_alone(PyTypeObject* type, const char* name);

// The tag that CPython gives to the present state of a class: it changes with every change of the class or of a base, and no
// other class of the interpreter ever has the same. 0: there is none to be had.
[[nodiscard]] unsigned version_of(PyTypeObject* type) noexcept;

// Where instances keep what `object.__getstate__` takes for their state.
struct Storage {
  enum class Kind : std::uint8_t { kNowhere, kDict, kSlots, kOther };
  Kind kind = Kind::kOther;
  std::vector<py::Ref> slots;        // the names of the slots, interned, as they lie in memory
  std::vector<std::uint16_t> order;  // which of them is the first one for pickle, the second, ...
};
[[nodiscard]] Storage storage_of(PyTypeObject* type);
// Where the slots of an instance begin. Requires: storage_of its class has slots.
[[nodiscard]] inline PyObject** slots_of(PyObject* instance) noexcept {
  return reinterpret_cast<PyObject**>(reinterpret_cast<char*>(instance) + sizeof(PyObject));
}

// Whether instances are made by `object.__new__` alone, and their attributes are looked up as those of any object.
[[nodiscard]] bool is_plain(PyTypeObject* type) noexcept;
// Whether `pickle` takes an instance apart by what `object` has for that: nothing in the class says otherwise, but for
// `__getstate__`.
[[nodiscard]] bool has_default_reduction(PyTypeObject* type);
[[nodiscard]] bool has_default_state(PyTypeObject* type);
// Of a dataclass with slots that is frozen, `dataclasses` sees to its state. If the class is one and the fields are its
// slots: which slot is the first field, the second, ...; else empty.
[[nodiscard]] std::vector<std::uint16_t> fields_in_slots(PyTypeObject* type, const std::vector<py::Ref>& slots);
// Whether hashing or comparing an instance may run Python code.
[[nodiscard]] bool has_own_hash(PyTypeObject* type) noexcept;

}  // namespace aiointerpreters::codec
