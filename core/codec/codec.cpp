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

// Adds to the exception that is set a note on which argument could not be made. Reads all of them once more to find it.
void name_refused_argument(Runtime& runtime, const Message& message) {
  py::Ref error = py::take_exception();
  const bool says_nothing = PyErr_GivenExceptionMatches(error.get(), PyExc_Exception) == 0 ||
                            PyErr_GivenExceptionMatches(error.get(), PyExc_MemoryError) != 0;
  CallArguments loose;
  const auto read = [&](Decoder& decoder) { return loose.read(decoder); };
  if (!says_nothing && decode_message(runtime, MessageView(message), read, StandIns::kForMissing)) {
    const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._refusals"));
    const py::Ref all = py::Ref::steal(PyTuple_New(loose.total_));
    for (Py_ssize_t i = 0; all && i < loose.total_; ++i) PyTuple_SET_ITEM(all.get(), i, Py_NewRef(loose.args_[i]));
    const py::Ref names = loose.kwnames_ ? py::Ref::borrow(loose.kwnames_.get()) : py::Ref::steal(PyTuple_New(0));
    const py::Ref path = module && all && names
                             ? py::Ref::steal(PyObject_CallMethod(module.get(), "find", "OO", all.get(), names.get()))
                             : py::Ref();
    const py::Ref note = path && path.get() != Py_None
                             ? py::Ref::steal(PyUnicode_FromFormat("%U could not be made in the worker", path.get()))
                             : py::Ref();
    if (note) (void)py::Ref::steal(PyObject_CallMethod(error.get(), "add_note", "O", note.get()));
  }
  PyErr_Clear();
  loose.clear();
  py::restore_exception(std::move(error));
}

bool decode_call(Runtime& runtime, const Message& message, CallArguments& out) {
  return py::guarded(false, [&] {
    if (decode_message(runtime, MessageView(message), [&](Decoder& decoder) { return out.read(decoder); })) return true;
    if (message.form != Message::Form::kNative) name_refused_argument(runtime, message);
    return false;
  });
}

}  // namespace aiointerpreters::codec
