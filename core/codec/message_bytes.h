// A message as one bytes object, its form in the first byte: inside another message, and for tests and benchmarks.
// Requires: attached.
#pragma once

#include "codec/message.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Returns new; null with MemoryError set.
[[nodiscard]] py::Ref message_to_bytes(const Message& message);
// Makes such bytes the content of an empty message; whether they are one, decoding tells.
// Errors: false with TypeError set if `object` is no bytes; std::bad_alloc.
[[nodiscard]] bool message_from_bytes(PyObject* object, Message& out);

}  // namespace aiointerpreters::codec
