// See message_bytes.h.
#include "codec/message_bytes.h"

#include <cstdint>
#include <cstring>
#include <iterator>

#include "codec/message_decoder.h"

namespace aiointerpreters::codec {

namespace {

constexpr std::size_t kHead = 1 + sizeof(std::uint64_t);

}  // namespace

py::Ref pack_message(Message& message, Message& outer) {
  std::uint64_t first = 0;
  if (message.attachments) {
    std::vector<Attachment>& moved = attachments_in(message);
    std::vector<Attachment>& all = attachments_in(outer);
    first = all.size();
    all.insert(all.end(), std::make_move_iterator(moved.begin()), std::make_move_iterator(moved.end()));
  }
  py::Ref packed = py::Ref::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(kHead + message.bytes.size())));
  if (!packed) return packed;
  char* const data = PyBytes_AS_STRING(packed.get());
  data[0] = static_cast<char>(message.form);
  std::memcpy(data + 1, &first, sizeof first);
  std::memcpy(data + kHead, message.bytes.data(), message.bytes.size());
  return packed;
}

std::optional<MessageView> view_packed(PyObject* packed, std::span<const Attachment> attachments) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(packed, &data, &size) < 0) return std::nullopt;
  std::uint64_t first = 0;
  if (static_cast<std::size_t>(size) < kHead) return corrupt_message(), std::nullopt;
  std::memcpy(&first, data + 1, sizeof first);
  if (first > attachments.size()) return corrupt_message(), std::nullopt;
  return MessageView(reinterpret_cast<const unsigned char*>(data) + kHead, static_cast<std::size_t>(size) - kHead,
                     static_cast<Message::Form>(data[0]), attachments.subspan(static_cast<std::size_t>(first)));
}

}  // namespace aiointerpreters::codec
