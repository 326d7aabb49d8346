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

// Whether all parts are native leaves, so that they need not be packed.
[[nodiscard]] bool has_only_leaves(const ExceptionParts& parts) noexcept;

// Whether a packed part is a native message. Home reads it without running Python code, so reading it cannot fail.
[[nodiscard]] bool is_native(const py::Ref& packed);

// Packs each arg and each attribute by itself: the `pieces` of a record. Parts that cannot cross are removed, and the list
// `lost` names them. The `rest`, which the class leaves out, is not included.
[[nodiscard]] py::Ref pack_pieces(Runtime& runtime, ExceptionParts& parts, PyObject* lost, Message& outer);

// str(object) as an exact str, or `instead` if that fails.
[[nodiscard]] py::Ref exact_text(PyObject* object, const char* instead);

}  // namespace aiointerpreters::codec
