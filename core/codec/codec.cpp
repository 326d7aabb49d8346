// The codec's face (codec.h) over the native format and pickle: values and calls. Exceptions: exception_codec.cpp.
#include "codec/codec.h"

#include "codec/decoder.h"
#include "codec/encoder.h"
#include "codec/not_transferable.h"
#include "codec/pickle_fallback.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// Ends native encoding. Returns whether the message is complete; if not, it is empty again, and an exception may be set.
bool complete(Encoder& encoder, Encoder::Result result, Message& out) {
  if (result != Encoder::Result::kDone) {
    out.clear();
    return false;
  }
  encoder.finish();
  out.form = Message::Form::kNative;
  return true;
}

// Returns false without an exception set if the value has to be pickled.
bool encode_value_natively(PyObject* value, Message& out) {
  Encoder encoder(out.bytes);
  return complete(encoder, encoder.write(value), out);
}

bool encode_call_natively(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Message& out) {
  Encoder encoder(out.bytes);
  const Py_ssize_t keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  encoder.write_varint(static_cast<std::size_t>(nargs) << 1 | (keywords != 0 ? 1 : 0));
  auto result = Encoder::Result::kDone;
  if (keywords != 0) result = encoder.write(kwnames);
  for (Py_ssize_t i = 0; i < nargs + keywords && result == Encoder::Result::kDone; ++i) result = encoder.write(args[i]);
  return complete(encoder, result, out);
}

// The arguments as one object for pickle: (positional ones, {name: value}).
py::Ref pack_call(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  py::Ref positional = py::Ref::steal(PyTuple_New(nargs));
  const py::Ref named = py::Ref::steal(PyDict_New());
  if (!positional || !named) return {};
  for (Py_ssize_t i = 0; i < nargs; ++i) PyTuple_SET_ITEM(positional.get(), i, Py_NewRef(args[i]));
  const Py_ssize_t keywords = kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames);
  for (Py_ssize_t i = 0; i < keywords; ++i) {
    if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(kwnames, i), args[nargs + i]) < 0) return {};
  }
  return py::Ref::steal(PyTuple_Pack(2, positional.get(), named.get()));
}

bool corrupt() {
  PyErr_SetString(PyExc_ValueError, "corrupt message");
  return false;
}

}  // namespace

bool encode_value(Runtime& runtime, PyObject* value, Message& out, const char* root) {
  return py::guarded(false, [&] {
    out.clear();
    if (encode_value_natively(value, out)) return true;
    if (PyErr_Occurred() != nullptr) return false;
    if (pickle_message(runtime, value, out)) return true;
    if (root != nullptr) explain_value(runtime, value, root);
    return false;
  });
}

py::Ref decode_value(Runtime& runtime, const Message& message) {
  py::Ref value;
  const bool decoded = py::guarded(false, [&] {
    switch (message.form) {
      case Message::Form::kNative: {
        Decoder decoder(message.bytes.data(), message.bytes.size());
        value = decoder.read();
        return value && decoder.finish();
      }
      case Message::Form::kPickled:
        value = unpickle_message(runtime, message);
        return static_cast<bool>(value);
      default:
        return corrupt();
    }
  });
  if (!decoded) return {};
  return value;
}

bool encode_call(Runtime& runtime, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Message& out) {
  return py::guarded(false, [&] {
    out.clear();
    if (encode_call_natively(args, nargs, kwnames, out)) return true;
    if (PyErr_Occurred() != nullptr) return false;
    const py::Ref packed = pack_call(args, nargs, kwnames);
    if (!packed) return false;
    if (pickle_message(runtime, packed.get(), out)) return true;
    explain_call(runtime, args, nargs, kwnames);
    return false;
  });
}

CallArguments::~CallArguments() {
  for (Py_ssize_t i = 0; i < total_; ++i) Py_XDECREF(args_[i]);
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

bool CallArguments::decode_native(const Message& message) {
  Decoder decoder(message.bytes.data(), message.bytes.size());
  std::size_t header;
  if (!decoder.read_varint(header)) return false;
  const std::size_t nargs = header >> 1;
  Py_ssize_t keywords = 0;
  if ((header & 1) != 0) {
    kwnames_ = decoder.read();
    if (!kwnames_) return false;
    if (!PyTuple_CheckExact(kwnames_.get())) return corrupt();
    keywords = PyTuple_GET_SIZE(kwnames_.get());
    for (Py_ssize_t i = 0; i < keywords; ++i) {
      if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(kwnames_.get(), i))) return corrupt();
    }
  }
  if (nargs > decoder.bytes_left()) return corrupt();
  make_room(static_cast<Py_ssize_t>(nargs), keywords);
  for (Py_ssize_t i = 0; i < total_; ++i) {
    args_[i] = decoder.read().release();
    if (args_[i] == nullptr) return false;
  }
  return decoder.finish();
}

bool CallArguments::decode_pickled(Runtime& runtime, const Message& message) {
  const py::Ref packed = unpickle_message(runtime, message);
  if (!packed) return false;
  PyObject* positional = nullptr;
  PyObject* named = nullptr;
  if (!PyArg_ParseTuple(packed.get(), "O!O!", &PyTuple_Type, &positional, &PyDict_Type, &named)) return false;
  const Py_ssize_t nargs = PyTuple_GET_SIZE(positional);
  const Py_ssize_t keywords = PyDict_GET_SIZE(named);
  if (keywords != 0) {
    kwnames_ = py::Ref::steal(PyTuple_New(keywords));
    if (!kwnames_) return false;
  }
  make_room(nargs, keywords);
  for (Py_ssize_t i = 0; i < nargs; ++i) args_[i] = Py_NewRef(PyTuple_GET_ITEM(positional, i));
  Py_ssize_t position = 0;
  PyObject* name;
  PyObject* value;
  for (Py_ssize_t i = 0; PyDict_Next(named, &position, &name, &value) != 0; ++i) {
    PyTuple_SET_ITEM(kwnames_.get(), i, Py_NewRef(name));
    args_[nargs + i] = Py_NewRef(value);
  }
  return true;
}

bool decode_call(Runtime& runtime, const Message& message, CallArguments& out) {
  return py::guarded(false, [&] {
    switch (message.form) {
      case Message::Form::kNative:
        return out.decode_native(message);
      case Message::Form::kPickled:
        return out.decode_pickled(runtime, message);
      default:
        return corrupt();
    }
  });
}

}  // namespace aiointerpreters::codec
