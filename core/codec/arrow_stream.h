// ArrowStream: the Python object through which an interpreter sees an ArrowTable. Libraries for frames call its one method,
// `__arrow_c_stream__` (The Arrow PyCapsule interface).
// Requires: attached, for every function here.
#pragma once

#include "codec/arrow_table.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Makes the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_arrow_stream_type(PyObject* module);

// Returns new; null with an exception set.
[[nodiscard]] py::Ref make_arrow_stream(const Runtime& runtime, ArrowTablePtr table);
// The table of such an object; null for any other object.
[[nodiscard]] ArrowTable* table_of(const Runtime& runtime, PyObject* object) noexcept;

}  // namespace aiointerpreters::codec
