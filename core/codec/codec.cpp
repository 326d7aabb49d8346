// The functions of codec.h for values and calls. For exceptions, see exception_codec.cpp.
#include "codec/codec.h"

#include <utility>

#include "codec/decoder.h"
#include "codec/import_hint.h"
#include "codec/message_decoder.h"
#include "codec/message_encoder.h"
#include "codec/not_transferable.h"
#include "codec/qualified_name.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// Within a retry, an error must not cause another retry.
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
  const bool has_no_name = PyMethod_Check(callable) && !leads_to_method(runtime, callable);
  const ByValue how = PyFunction_Check(callable) || has_no_name ? ByValue::kAtOnce : by_value(runtime);
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
  // Python code runs meanwhile, and may call this function again.
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

namespace {

// Adds to the exception that is set which decoded value could not be created. `read` reads the message once more, with
// stand-ins for missing objects. Then `values` returns a tuple: either the one value, which is called `root`, or the
// arguments, followed by the tuple of the keyword names. Runs Python.
template <typename Read, typename Values>
void name_refused(Runtime& runtime, const Message& message, Read&& read, Values&& values, const char* root) {
  if (message.form == Message::Form::kNative) return;
  py::Ref error = py::take_exception();
  const bool says_nothing = PyErr_GivenExceptionMatches(error.get(), PyExc_Exception) == 0 ||
                            PyErr_GivenExceptionMatches(error.get(), PyExc_MemoryError) != 0;
  // Also shortens its text.
  const bool is_refused =
      runtime.refused_imports && !hint_about_imports(*runtime.refused_imports, error.get()).module.empty();
  if (!says_nothing && decode_message(runtime, MessageView(message), read, StandIns::kForMissing)) {
    const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._refusals"));
    const py::Ref all = module ? values() : py::Ref();
    py::Ref explained = all ? py::Ref::steal(PyObject_CallMethod(module.get(), "explain", "OOzi", error.get(), all.get(),
                                                                 root, static_cast<int>(is_refused)))
                            : py::Ref();
    if (explained && PyExceptionInstance_Check(explained.get())) error = std::move(explained);
  }
  PyErr_Clear();
  py::restore_exception(std::move(error));
}

}  // namespace

py::Ref decode_value(Runtime& runtime, const Message& message, const char* root) {
  py::Ref value = decode_value(runtime, message);
  if (value) return value;
  py::Ref loose;
  const auto read = [&](Decoder& decoder) { return static_cast<bool>(loose = decoder.read()); };
  const auto values = [&] { return py::Ref::steal(PyTuple_Pack(1, loose.get())); };
  static_cast<void>(py::guarded(false, [&] { return name_refused(runtime, message, read, values, root), true; }));
  return {};
}

void name_refused_argument(Runtime& runtime, const Message& message) {
  CallArguments loose;
  const auto read = [&](Decoder& decoder) { return loose.read(decoder); };
  const auto values = [&] {
    py::Ref all = py::Ref::steal(PyTuple_New(loose.total_ + 1));
    for (Py_ssize_t i = 0; all && i < loose.total_; ++i) PyTuple_SET_ITEM(all.get(), i, Py_NewRef(loose.args_[i]));
    if (all) PyTuple_SET_ITEM(all.get(), loose.total_, loose.kwnames_ ? Py_NewRef(loose.kwnames_.get()) : PyTuple_New(0));
    return all;
  };
  name_refused(runtime, message, read, values, nullptr);
  py::Ref error = py::take_exception();
  loose.clear();
  py::restore_exception(std::move(error));
}

bool decode_call(Runtime& runtime, const Message& message, CallArguments& out) {
  return py::guarded(false, [&] {
    if (decode_message(runtime, MessageView(message), [&](Decoder& decoder) { return out.read(decoder); })) return true;
    name_refused_argument(runtime, message);
    return false;
  });
}

}  // namespace aiointerpreters::codec
