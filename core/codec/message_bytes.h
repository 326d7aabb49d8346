// A message as one bytes object inside another message: a byte for the form, the index of its first attachment, the
// content. The outer message gets its attachments.
// Requires: attached.
#pragma once

#include <optional>

#include "codec/message.h"
#include "codec/message_view.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Moves the attachments of `message` to `outer`. Returns new; null with MemoryError set. Errors: std::bad_alloc.
[[nodiscard]] py::Ref pack_message(Message& message, Message& outer);
// Borrows both. Nothing, with an exception set, if `packed` is not such an object.
[[nodiscard]] std::optional<MessageView> view_packed(PyObject* packed, std::span<const Attachment> attachments);

}  // namespace aiointerpreters::codec
