// The parts of one exception that may have any type, and how the worker packs them (exception_record.h).
// Requires: attached, for all functions. Runs Python: pickle and __repr__. Errors: Python exception set and null returned;
// std::bad_alloc.
#pragma once

#include <array>
#include <string>

#include "codec/exception_record.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

using ExceptionParts = std::array<py::Ref, kParts>;
[[nodiscard]] py::Ref tuple_of(const ExceptionParts& parts);

// Whether all parts are native and have no parts of their own, so that packing is not necessary.
[[nodiscard]] bool has_only_leaves(const ExceptionParts& parts) noexcept;

// Whether a packed part is a native message. It is read without Python code, so home cannot fail at it.
[[nodiscard]] bool is_native(const py::Ref& packed);

// Packs each arg and each attribute by itself: the `pieces` of a record. Parts that do not cross are removed and named in
// the list `lost`. The `rest`, which the class does not want to cross, is not handled.
[[nodiscard]] py::Ref pack_pieces(Runtime& runtime, ExceptionParts& parts, PyObject* lost, Message& outer);

// An exact str, for any object: str(object), or else `instead`.
[[nodiscard]] py::Ref exact_text(PyObject* object, const char* instead);
// A str as UTF-8, whatever is in it; empty for null.
[[nodiscard]] std::string utf8_of(PyObject* str);

}  // namespace aiointerpreters::codec
