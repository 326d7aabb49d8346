// Encodes a whole message: the native bytes, the parts after them, the attachments.
// Requires: attached to the runtime's interpreter. Runs Python if there are parts. Errors: false with the original
// exception set, without an explanation, and the message must not be used; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/message.h"
#include "codec/pickling.h"
#include "codec/runtime.h"
#include "py/python.h"

namespace aiointerpreters::codec {

// The content of a message. Borrows.
struct Roots {
  // A value by itself.
  explicit Roots(PyObject* const& value) noexcept : values(&value), positional(1) {}
  // The arguments of a call, in the form of the vectorcall protocol.
  Roots(PyObject* const* args, Py_ssize_t nargs, PyObject* names) noexcept
      : values(args), positional(nargs), kwnames(names), is_call(true) {}

  PyObject* const* values;
  Py_ssize_t positional;
  PyObject* kwnames = nullptr;
  bool is_call = false;
};

// Requires: `out` is empty, except for attachments of messages that are packed inside the value.
[[nodiscard]] bool encode_message(Runtime& runtime, const Roots& roots, Views views, ByValue by_value, Message& out);

}  // namespace aiointerpreters::codec
