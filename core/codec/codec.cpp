// The codec's face (codec.h): values and calls. Exceptions: exception_codec.cpp.
#include "codec/codec.h"

#include <utility>

#include "codec/decoder.h"
#include "codec/message_decoder.h"
#include "codec/message_encoder.h"
#include "codec/not_transferable.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// What fails inside of a retry fails plainly.
ByValue by_value(const Runtime& runtime) { return Retry::active(runtime) ? ByValue::kNever : ByValue::kIfNeeded; }

}  // namespace

bool encode_value(Runtime& runtime, PyObject* value, Message& out, const char* root, Views views) {
  const bool encoded = py::guarded(false, [&] {
    if (encode_message(runtime, Roots(value), views, by_value(runtime), out)) return true;
    if (root != nullptr) explain_value(runtime, value, root);
    return false;
  });
  if (!encoded) out.clear();
  return encoded;
}

bool encode_callable(Runtime& runtime, PyObject* callable, Message& out) {
  const ByValue how = PyFunction_Check(callable) ? ByValue::kAtOnce : by_value(runtime);
  const bool encoded = py::guarded(false, [&] {
    if (encode_message(runtime, Roots(callable), Views::kLend, how, out)) return true;
    explain_value(runtime, callable, "function");
    return false;
  });
  if (!encoded) out.clear();
  return encoded;
}

bool encode_call(Runtime& runtime, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Message& out) {
  const bool encoded = py::guarded(false, [&] {
    if (encode_message(runtime, Roots(args, nargs, kwnames), Views::kLend, by_value(runtime), out)) return true;
    explain_call(runtime, args, nargs, kwnames);
    return false;
  });
  if (!encoded) out.clear();
  return encoded;
}

py::Ref decode_value(Runtime& runtime, const Message& message) { return decode_value(runtime, MessageView(message)); }

py::Ref decode_value(Runtime& runtime, const MessageView& message) {
  py::Ref value;
  const bool decoded = py::guarded(false, [&] {
    return decode_message(runtime, message, [&](Decoder& decoder) {
      value = decoder.read();
      return static_cast<bool>(value);
    });
  });
  if (!decoded) return {};
  return value;
}

void CallArguments::clear() {
  // Python code runs on the way, and may come back here.
  const Py_ssize_t total = std::exchange(total_, 0);
  for (Py_ssize_t i = 0; i < total; ++i) Py_CLEAR(args_[i]);
  kwnames_.reset();
  args_ = inline_ + 1;
  heap_.clear();
}

py::Ref CallArguments::call(PyObject* callable) const {
  const auto flagged = static_cast<std::size_t>(nargs_) | PY_VECTORCALL_ARGUMENTS_OFFSET;
  return py::Ref::steal(PyObject_Vectorcall(callable, args_, flagged, kwnames_.get()));
}

void CallArguments::make_room(Py_ssize_t nargs, Py_ssize_t keywords) {
  const auto total = static_cast<std::size_t>(nargs + keywords);
  if (total > kInline) {
    heap_.assign(total + 1, nullptr);
    args_ = heap_.data() + 1;
  }
  nargs_ = nargs;
  total_ = nargs + keywords;
}

bool CallArguments::read(Decoder& decoder) {
  std::size_t header;
  if (!decoder.read_varint(header)) return false;
  const std::size_t nargs = header >> 1;
  Py_ssize_t keywords = 0;
  if ((header & 1) != 0) {
    kwnames_ = decoder.read();
    if (!kwnames_) return false;
    if (!PyTuple_CheckExact(kwnames_.get())) return corrupt_message();
    keywords = PyTuple_GET_SIZE(kwnames_.get());
    for (Py_ssize_t i = 0; i < keywords; ++i) {
      if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(kwnames_.get(), i))) return corrupt_message();
    }
  }
  if (nargs > decoder.bytes_left()) return corrupt_message();
  make_room(static_cast<Py_ssize_t>(nargs), keywords);
  for (Py_ssize_t i = 0; i < total_; ++i) {
    args_[i] = decoder.read().release();
    if (args_[i] == nullptr) return false;
  }
  return true;
}

bool decode_call(Runtime& runtime, const Message& message, CallArguments& out) {
  return py::guarded(false, [&] {
    return decode_message(runtime, MessageView(message), [&](Decoder& decoder) { return out.read(decoder); });
  });
}

}  // namespace aiointerpreters::codec
