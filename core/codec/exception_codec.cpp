// Exceptions: the worker's half, which takes them apart into records (exception_record.h), and the two functions of codec.h.
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "codec/codec.h"
#include "codec/exception_record.h"
#include "codec/format.h"
#include "codec/message_bytes.h"
#include "codec/message_decoder.h"
#include "codec/message_encoder.h"
#include "codec/pickling.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

py::Ref attribute(PyObject* object, const char* name) {
  py::Ref value = py::Ref::steal(PyObject_GetAttrString(object, name));
  PyErr_Clear();
  return value;
}

// An exact str, for any object: str(object), or else `instead`.
py::Ref exact_text(PyObject* object, const char* instead) {
  py::Ref text = object == nullptr ? py::Ref() : py::Ref::steal(PyObject_Str(object));
  PyErr_Clear();
  if (text && !PyUnicode_CheckExact(text.get())) text = py::Ref::steal(PyUnicode_FromObject(text.get()));
  if (!text) {
    PyErr_Clear();
    text = py::Ref::steal(PyUnicode_DecodeUTF8(instead, static_cast<Py_ssize_t>(std::strlen(instead)), "replace"));
  }
  return text;
}

bool append_text(PyObject* list, const std::string& text) {
  const py::Ref str = py::Ref::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
  return str && PyList_Append(list, str.get()) == 0;
}

// Takes the error that is set and returns what a note says about it.
std::string reason_of_error(Runtime& runtime, const std::string& root) {
  const py::Ref error = py::take_exception();
  const py::Ref text = exact_text(error.get(), "");
  const char* const utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  std::string reason = utf8 == nullptr ? "" : utf8;
  PyErr_Clear();
  if (error && PyErr_GivenExceptionMatches(error.get(), runtime.not_transferable_error.get()) != 0) return reason;
  return root + ": " + (error ? Py_TYPE(error.get())->tp_name : "error") + ": " + reason;
}

class ExceptionEncoder {
 public:
  // Borrows both; `out` is an empty message.
  ExceptionEncoder(Runtime& runtime, Message& out) : runtime_(runtime), out_(out) {}

  // Errors: false with an exception set.
  bool encode(PyObject* exception);

 private:
  Py_ssize_t index_of(PyObject* exception);
  py::Ref describe(PyObject* exception);
  py::Ref describe_members(PyObject* group);
  py::Ref notes_of(PyObject* attributes);
  // Pack the parts one by one where the whole does not cross, and say in `lost` which ones do not.
  py::Ref pack_args(PyObject* args, PyObject* lost);
  py::Ref pack_state(PyObject* attributes, PyObject* lost);
  py::Ref format_traceback(PyObject* exception);

  Runtime& runtime_;
  std::vector<py::Ref> exceptions_;  // in the order of their records
  std::unordered_map<PyObject*, Py_ssize_t> indices_;
  Message& out_;
};

Py_ssize_t ExceptionEncoder::index_of(PyObject* exception) {
  const auto next = static_cast<Py_ssize_t>(exceptions_.size());
  const auto [found, added] = indices_.try_emplace(exception, next);
  if (added) exceptions_.push_back(py::Ref::borrow(exception));
  return found->second;
}

bool ExceptionEncoder::encode(PyObject* exception) {
  const py::Ref text = format_traceback(exception);
  const py::Ref records = py::Ref::steal(PyList_New(0));
  if (!text || !records) return false;
  index_of(exception);
  for (std::size_t i = 0; i < exceptions_.size(); ++i) {  // grows while it is walked
    const py::Ref record = describe(exceptions_[i].get());
    if (!record || PyList_Append(records.get(), record.get()) < 0) return false;
  }
  const py::Ref tuple = py::Ref::steal(PyList_AsTuple(records.get()));
  const py::Ref message = tuple ? py::Ref::steal(PyTuple_Pack(2, text.get(), tuple.get())) : py::Ref();
  return message && encode_message(runtime_, Roots(message.get()), Views::kCopy, ByValue::kNever, out_);
}

py::Ref ExceptionEncoder::format_traceback(PyObject* exception) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("traceback"));
  const py::Ref lines =
      module ? py::Ref::steal(PyObject_CallMethod(module.get(), "format_exception", "O", exception)) : py::Ref();
  const py::Ref empty = py::Ref::steal(PyUnicode_New(0, 0));
  py::Ref text = lines && empty ? py::Ref::steal(PyUnicode_Join(empty.get(), lines.get())) : py::Ref();
  PyErr_Clear();
  if (text) return text;
  text = exact_text(exception, "<exception str() failed>");
  if (!text) return {};
  return py::Ref::steal(
      PyUnicode_FromFormat("%s: %U\n(its traceback could not be formatted)\n", Py_TYPE(exception)->tp_name, text.get()));
}

py::Ref ExceptionEncoder::notes_of(PyObject* attributes) {
  py::Ref notes = attributes == nullptr ? py::Ref() : py::Ref::borrow(PyDict_GetItemString(attributes, "__notes__"));
  if (!notes || !PyList_Check(notes.get())) return py::Ref::steal(PyTuple_New(0));
  py::Ref texts = py::Ref::steal(PyList_AsTuple(notes.get()));
  const py::Ref copy = py::Ref::steal(PyList_New(0));
  if (!texts || !copy) return {};
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(texts.get()); ++i) {
    const py::Ref text = exact_text(PyTuple_GET_ITEM(texts.get(), i), "<note str() failed>");
    if (!text || PyList_Append(copy.get(), text.get()) < 0) return {};
  }
  return py::Ref::steal(PyList_AsTuple(copy.get()));
}

py::Ref ExceptionEncoder::pack_args(PyObject* args, PyObject* lost) {
  py::Ref packed = pack(runtime_, args, nullptr, out_);
  if (packed) return packed;
  PyErr_Clear();
  const py::Ref copy = py::Ref::steal(PyTuple_New(PyTuple_GET_SIZE(args)));
  if (!copy) return {};
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
    PyObject* const arg = PyTuple_GET_ITEM(args, i);
    const std::string root = "args[" + std::to_string(i) + "]";
    py::Ref stands_for = py::Ref::borrow(arg);
    if (!pack(runtime_, arg, root.c_str(), out_)) {
      if (!append_text(lost, reason_of_error(runtime_, root) + "; its repr stands in its place")) return {};
      const py::Ref repr = py::Ref::steal(PyObject_Repr(arg));
      stands_for = exact_text(repr.get(), "<repr() failed>");
      if (!stands_for) return {};
    }
    PyTuple_SET_ITEM(copy.get(), i, stands_for.release());
  }
  return pack(runtime_, copy.get(), nullptr, out_);
}

py::Ref ExceptionEncoder::pack_state(PyObject* attributes, PyObject* lost) {
  if (attributes == nullptr || PyDict_GET_SIZE(attributes) == 0) return py::Ref::borrow(Py_None);
  py::Ref packed = pack(runtime_, attributes, nullptr, out_);
  if (packed) return packed;
  PyErr_Clear();
  const py::Ref items = py::Ref::steal(PyDict_Items(attributes));
  const py::Ref copy = py::Ref::steal(PyDict_New());
  if (!items || !copy) return {};
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 0);
    PyObject* const value = PyTuple_GET_ITEM(PyList_GET_ITEM(items.get(), i), 1);
    const py::Ref text = exact_text(name, "?");
    const char* const utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    PyErr_Clear();
    const std::string root = std::string("attribute '") + (utf8 == nullptr ? "?" : utf8) + "'";
    const bool crosses = PyUnicode_CheckExact(name) && pack(runtime_, value, root.c_str(), out_);
    if (crosses) {
      if (PyDict_SetItem(copy.get(), name, value) < 0) return {};
    } else if (!append_text(lost, reason_of_error(runtime_, root) + "; it was left out")) {
      return {};
    }
  }
  return pack(runtime_, copy.get(), nullptr, out_);
}

py::Ref ExceptionEncoder::describe_members(PyObject* group) {
  const py::Ref members = py::Ref::steal(PyObject_GetAttrString(group, "exceptions"));
  if (!members || !PyTuple_Check(members.get())) {
    PyErr_Clear();
    return py::Ref::steal(PyTuple_New(0));
  }
  py::Ref indices = py::Ref::steal(PyTuple_New(PyTuple_GET_SIZE(members.get())));
  if (!indices) return {};
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members.get()); ++i) {
    PyObject* const index = PyLong_FromSsize_t(index_of(PyTuple_GET_ITEM(members.get(), i)));
    if (index == nullptr) return {};
    PyTuple_SET_ITEM(indices.get(), i, index);
  }
  return indices;
}

// How the exception's class says that it is to be rebuilt.
struct Reduction {
  py::Ref constructor;   // tuple: call the class with these
  py::Ref state;         // dict: attributes to set then; null: none
  bool special = false;  // in another way, which only pickle knows
};

Reduction reduce(PyObject* exception) {
  Reduction reduction;
  const py::Ref reduced = py::Ref::steal(PyObject_CallMethod(exception, "__reduce_ex__", "i", kPickleProtocol));
  PyErr_Clear();
  if (!reduced) return reduction;
  reduction.special = true;
  if (!PyTuple_CheckExact(reduced.get())) return reduction;
  const Py_ssize_t size = PyTuple_GET_SIZE(reduced.get());
  if (size < 2 || size > 3 || PyTuple_GET_ITEM(reduced.get(), 0) != reinterpret_cast<PyObject*>(Py_TYPE(exception))) {
    return reduction;
  }
  PyObject* const constructor = PyTuple_GET_ITEM(reduced.get(), 1);
  PyObject* const state = size == 3 ? PyTuple_GET_ITEM(reduced.get(), 2) : Py_None;
  if (!PyTuple_CheckExact(constructor) || (state != Py_None && !PyDict_CheckExact(state))) return reduction;
  reduction.special = false;
  reduction.constructor = py::Ref::borrow(constructor);
  if (state != Py_None) reduction.state = py::Ref::borrow(state);
  return reduction;
}

py::Ref none() { return py::Ref::borrow(Py_None); }

py::Ref ExceptionEncoder::describe(PyObject* exception) {
  const py::Ref module = exact_text(py::Ref::steal(PyType_GetModuleName(Py_TYPE(exception))).get(), "builtins");
  const py::Ref qualname =
      exact_text(py::Ref::steal(PyType_GetQualName(Py_TYPE(exception))).get(), Py_TYPE(exception)->tp_name);
  PyErr_Clear();
  const bool is_group = PyObject_TypeCheck(exception, reinterpret_cast<PyTypeObject*>(PyExc_BaseExceptionGroup)) != 0;
  const py::Ref message = is_group ? attribute(exception, "message") : py::Ref();
  const py::Ref text = exact_text(message ? message.get() : exception, "<exception str() failed>");
  const py::Ref lost = py::Ref::steal(PyList_New(0));
  if (!module || !qualname || !text || !lost) return {};
  out_.needs_main = out_.needs_main || PyUnicode_EqualToUTF8(module.get(), "__main__") != 0 ||
                    PyUnicode_EqualToUTF8(module.get(), "__mp_main__") != 0;

  py::Ref attributes = attribute(exception, "__dict__");
  if (attributes && !PyDict_Check(attributes.get())) attributes.reset();
  py::Ref notes = notes_of(attributes.get());
  if (!notes) return {};

  py::Ref whole = none();
  py::Ref constructor = none();
  py::Ref args = none();
  py::Ref members = none();
  Reduction reduction;
  if (is_group) {
    members = describe_members(exception);
  } else {
    reduction = reduce(exception);
    if (reduction.special) {
      whole = pack(runtime_, exception, nullptr, out_);
      if (!whole) whole = none();
      PyErr_Clear();
    }
    if (reduction.constructor) {
      constructor = pack(runtime_, reduction.constructor.get(), nullptr, out_);
      if (!constructor) constructor = none();
      PyErr_Clear();
    }
    const py::Ref given = py::Ref::steal(PyException_GetArgs(exception));
    if (constructor.get() == Py_None || given.get() != reduction.constructor.get()) {
      args = pack_args(given.get(), lost.get());
    }
  }
  // Attributes as pickle would take them; what a class leaves out of its reduction is left out here too.
  py::Ref state = reduction.state                        ? std::move(reduction.state)
                  : attributes && !reduction.constructor ? py::Ref::steal(PyDict_Copy(attributes.get()))
                                                         : py::Ref();
  if (state && PyTuple_GET_SIZE(notes.get()) != 0) {
    state = py::Ref::steal(PyDict_Copy(state.get()));
    if (state && PyDict_DelItemString(state.get(), "__notes__") < 0) PyErr_Clear();
  }
  state = pack_state(state.get(), lost.get());
  if (!args || !members || !state) return {};

  const py::Ref cause = py::Ref::steal(PyException_GetCause(exception));
  const py::Ref context = py::Ref::steal(PyException_GetContext(exception));
  const py::Ref suppress = attribute(exception, "__suppress_context__");
  const Py_ssize_t cause_index = cause ? index_of(cause.get()) : ExceptionRecord::kNone;
  const Py_ssize_t context_index = context ? index_of(context.get()) : ExceptionRecord::kNone;
  py::Ref lost_texts = py::Ref::steal(PyList_AsTuple(lost.get()));
  if (!lost_texts) return {};
  return py::Ref::steal(Py_BuildValue(kRecordBuildFormat, module.get(), qualname.get(), text.get(), whole.release(),
                                      constructor.release(), args.release(), state.release(), notes.release(),
                                      lost_texts.release(), members.release(), cause_index, context_index,
                                      suppress.get() == Py_True ? 1 : 0));
}

// The last resort: the type's name, in the message's own room, without any allocation. It is the value (name, ()).
void encode_name(const char* name, Message& out) noexcept {
  constexpr std::size_t kMost = 48;
  unsigned char content[kMost + 8];
  std::size_t size = 0;
  const std::size_t length = strnlen(name, kMost);
  static_assert(kMost << 1 < 0x100 * 0x40 && sizeof content <= base::Bytes::kInline);
  content[size++] = kTuple;
  content[size++] = 2 << 1;
  content[size++] = kAscii;
  content[size++] = static_cast<unsigned char>((length << 1 & 0x7F) | 0x80);  // a varint of two bytes
  content[size++] = static_cast<unsigned char>(length << 1 >> 7);
  for (std::size_t i = 0; i < length; ++i) {
    const auto character = static_cast<unsigned char>(name[i]);
    content[size++] = character < 0x80 ? character : '?';
  }
  content[size++] = kTuple;
  content[size++] = 0;
  out.clear();
  out.bytes.append(content, size);
  out.form = Message::Form::kNative;
}

}  // namespace

py::Ref pack(Runtime& runtime, PyObject* value, const char* root, Message& outer) {
  Message message;
  if (!encode_value(runtime, value, message, root)) return {};
  outer.needs_main = outer.needs_main || message.needs_main;
  return pack_message(message, outer);
}

py::Ref unpack(Runtime& runtime, PyObject* packed, std::span<const Attachment> attachments) {
  const auto message = view_packed(packed, attachments);
  return message ? decode_value(runtime, *message) : py::Ref();
}

void encode_exception(Runtime& runtime, Message& out) {
  const py::Ref exception = py::take_exception();
  out.clear();
  const bool encoded = py::guarded(false, [&] {
    ExceptionEncoder encoder(runtime, out);
    return encoder.encode(exception.get());
  });
  if (encoded) return;
  PyErr_Clear();
  encode_name(Py_TYPE(exception.get())->tp_name, out);
}

py::Ref decode_exception(Runtime& runtime, const Message& message) {
  py::Ref exception;
  const bool rebuilt = py::guarded(false, [&] {
    const py::Ref content = decode_value(runtime, message);
    if (content) exception = rebuild_exception(runtime, content.get(), attachments_of(message));
    return static_cast<bool>(exception);
  });
  if (rebuilt || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0) return exception;
  exception = py::take_exception();
  if (!exception) {  // a call failed and did not say why, which CPython's unpickler does without memory
    PyErr_NoMemory();
    exception = py::take_exception();
  }
  return exception;
}

}  // namespace aiointerpreters::codec
