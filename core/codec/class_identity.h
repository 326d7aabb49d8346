// The ids of classes that cross by value: one class has the same id in all interpreters that have received it. They are kept
// in src/aiointerpreters/_by_value_rebuild.py, which is loaded in an interpreter once something has arrived there by value,
// or has been sent.
// Requires: attached, for all functions. Runs Python. Errors: null, with or without an exception set.
#pragma once

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Returns new: bytes, or None for a class without an id. Never imports anything.
[[nodiscard]] py::Ref identity_of(PyTypeObject* type);
// Whether a class without an id derives from one that has an id. Errors: false.
[[nodiscard]] bool derives_from_identified(PyTypeObject* type);
// The object with this id. Returns new: None if this interpreter does not have it.
[[nodiscard]] py::Ref find_identity(PyObject* identity);

}  // namespace aiointerpreters::codec
