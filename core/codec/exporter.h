// Exporters: Python objects that give an interpreter access to a SharedBlock by the buffer protocol (PEP 688).
// `SharedBuffer` is public. It exposes a whole block that the process owns. `Lease` is the object behind a memoryview that
// has crossed. It exposes the part of a block that the original view showed.
// Requires: attached, for every function here.
#pragma once

#include "codec/runtime.h"
#include "codec/shared_block.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Create the types. Return new; null with an exception set.
[[nodiscard]] py::Ref make_shared_buffer_type(PyObject* module);
[[nodiscard]] py::Ref make_lease_type(PyObject* module);

// The block of an exporter of either type, and the part that it exposes; null if the object is not an exporter. Borrows.
[[nodiscard]] const BlockView* exported_view(const Runtime& runtime, PyObject* object) noexcept;
[[nodiscard]] bool is_shared_buffer(const Runtime& runtime, PyObject* object) noexcept;

// Return new; null with an exception set. Errors: std::bad_alloc.
[[nodiscard]] py::Ref make_shared_buffer(const Runtime& runtime, BlockView view);
// A memoryview over a new Lease.
[[nodiscard]] py::Ref make_view(const Runtime& runtime, BlockView view);

}  // namespace aiointerpreters::codec
