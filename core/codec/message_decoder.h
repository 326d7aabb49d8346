// Decoding a whole message, with its parts and attachments.
// Requires: attached to the runtime's interpreter. Runs Python if there are parts or instances. Errors: false with a Python
// exception set; std::bad_alloc.
#pragma once

#include <cstdint>
#include <cstring>

#include "codec/corrupt.h"
#include "codec/decoder.h"
#include "codec/instances_reader.h"
#include "codec/message_view.h"
#include "codec/parts_reader.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Calls `read(decoder)`, which has to read everything in the message.
template <typename Read>
bool decode_message(Runtime& runtime, const MessageView& message, Read&& read, StandIns stand_ins = StandIns::kNone) {
  PartsReader parts(runtime, message.attachments);
  InstancesReader instances;
  std::size_t native = message.size;
  if (message.form == Message::Form::kMixed) {
    std::uint64_t size;
    if (message.size < sizeof size) return corrupt_message();
    const std::size_t end = message.size - sizeof size;
    std::memcpy(&size, message.data + end, sizeof size);
    if (size > end) return corrupt_message();
    native = static_cast<std::size_t>(size);
    if (!parts.unpickle(message.data + native, end - native, stand_ins)) return false;
  } else if (message.form == Message::Form::kInstances) {
    if (!instances.open(runtime, message.data, native, stand_ins)) return false;
  } else if (message.form != Message::Form::kNative) {
    return corrupt_message();
  }
  const bool has_parts = message.form == Message::Form::kMixed || !message.attachments.empty();
  Decoder decoder(message.data, native, has_parts ? &parts : nullptr, instances);
  return read(decoder) && decoder.finish();
}

// The same as decode_value in codec.h.
[[nodiscard]] py::Ref decode_value(Runtime& runtime, const MessageView& message);

}  // namespace aiointerpreters::codec
