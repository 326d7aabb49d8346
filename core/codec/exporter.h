// Exporters: the Python objects through which an interpreter sees a SharedBlock, by the buffer protocol (PEP 688).
// `SharedBuffer` is public: all of a block that the process owns. `Lease` is the object behind a memoryview that has
// crossed: the part of a block that the view showed.
// Requires: attached, for every function here.
#pragma once

#include "codec/runtime.h"
#include "codec/shared_block.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Make the types. Return new; null with an exception set.
[[nodiscard]] py::Ref make_shared_buffer_type(PyObject* module);
[[nodiscard]] py::Ref make_lease_type(PyObject* module);

// The block and the part of it that an exporter of either type shows; null if the object is not an exporter. Borrows.
[[nodiscard]] const BlockView* exported_view(const Runtime& runtime, PyObject* object) noexcept;
[[nodiscard]] bool is_shared_buffer(const Runtime& runtime, PyObject* object) noexcept;

// Return new; null with an exception set. Errors: std::bad_alloc.
[[nodiscard]] py::Ref make_shared_buffer(const Runtime& runtime, BlockView view);
// A memoryview over a new Lease.
[[nodiscard]] py::Ref make_view(const Runtime& runtime, BlockView view);

}  // namespace aiointerpreters::codec
