// MessageView: a message, or a message packed inside another, as the decoder sees it. Borrows all of it.
#pragma once

#include <cstddef>
#include <span>

#include "codec/attachment.h"
#include "codec/message.h"

namespace aiointerpreters::codec {

struct MessageView {
  explicit MessageView(const Message& message) noexcept
      : data(message.bytes.data()), size(message.bytes.size()), form(message.form), attachments(attachments_of(message)) {}
  MessageView(const unsigned char* bytes, std::size_t count, Message::Form as, std::span<const Attachment> with) noexcept
      : data(bytes), size(count), form(as), attachments(with) {}

  const unsigned char* data;
  std::size_t size;
  Message::Form form;
  std::span<const Attachment> attachments;
};

}  // namespace aiointerpreters::codec
