// See message_bytes.h.
#include "codec/message_bytes.h"

#include <cstring>

namespace aiointerpreters::codec {

py::Ref message_to_bytes(const Message& message) {
  const auto size = static_cast<Py_ssize_t>(message.bytes.size());
  py::Ref result = py::Ref::steal(PyBytes_FromStringAndSize(nullptr, size + 1));
  if (!result) return result;
  char* const data = PyBytes_AS_STRING(result.get());
  data[0] = static_cast<char>(message.form);
  std::memcpy(data + 1, message.bytes.data(), message.bytes.size());
  return result;
}

bool message_from_bytes(PyObject* object, Message& out) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(object, &data, &size) < 0) return false;
  if (size == 0) return true;
  out.form = static_cast<Message::Form>(data[0]);
  out.bytes.append(data + 1, static_cast<std::size_t>(size - 1));
  return true;
}

}  // namespace aiointerpreters::codec
