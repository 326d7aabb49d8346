// The worker's half: takes exceptions apart into records (exception_record.h). Also the two functions of codec.h for
// exceptions.
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "codec/class_identity.h"
#include "codec/codec.h"
#include "codec/exception_parts.h"
#include "codec/exception_record.h"
#include "codec/exception_trace.h"
#include "codec/exception_type.h"
#include "codec/format.h"
#include "codec/import_hint.h"
#include "codec/message_bytes.h"
#include "codec/message_decoder.h"
#include "codec/message_encoder.h"
#include "codec/pickling.h"
#include "codec/qualified_name.h"
#include "codec/remote_traceback.h"
#include "codec/text.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

py::Ref attribute(PyObject* object, const char* name) {
  py::Ref value = py::Ref::steal(PyObject_GetAttrString(object, name));
  PyErr_Clear();
  return value;
}

Views views_in(const Message& message) { return message.stands_alone ? Views::kNone : Views::kCopy; }

py::Ref none() { return py::Ref::borrow(Py_None); }

// The __dict__ of an exception. Null: it is empty, or reading it fails.
py::Ref attributes_of(PyObject* exception) {
  const bool is_own = PyType_HasFeature(Py_TYPE(exception), Py_TPFLAGS_HEAPTYPE);  // a class may override __dict__
  if (!is_own && reinterpret_cast<PyBaseExceptionObject*>(exception)->dict == nullptr) return {};
  return attribute(exception, "__dict__");
}

bool is_group(PyObject* exception) {
  return PyObject_TypeCheck(exception, reinterpret_cast<PyTypeObject*>(PyExc_BaseExceptionGroup)) != 0;
}

class ExceptionEncoder {
 public:
  // Borrows both; `out` is an empty message.
  ExceptionEncoder(Runtime& runtime, Message& out) : runtime_(runtime), out_(out) {}

  // Errors: false with an exception set.
  bool encode(PyObject* exception);
  // Drops all tracebacks, which have been read already. If a frame has an exception of the chain in a variable, it would
  // keep its other variables until the next garbage collection, and the memory that is lent for them. An exception that is
  // set stays set.
  void drop_tracebacks() const noexcept {
    for (const py::Ref& exception : exceptions_) PyException_SetTraceback(exception.get(), Py_None);
  }

 private:
  Py_ssize_t index_of(PyObject* exception);
  py::Ref describe(std::size_t index);
  py::Ref describe_members(PyObject* group);
  py::Ref notes_of(PyObject* attributes);
  // Reads the hint, and marks the exception if there is one. Errors: false with an exception set.
  bool take_hint(PyObject* exception);
  // Adds the hint to the notes of the outermost exception, unless they already have it. Errors: false with an exception
  // set.
  bool add_hint(py::Ref& notes) const;
  py::Ref text_of(PyObject* exception, PyObject* message) const;

  // Replaces exceptions of the message among the parts by links.
  py::Ref take_links(ExceptionParts& parts);
  py::Ref link_of(PyObject* value);

  Runtime& runtime_;
  std::vector<py::Ref> exceptions_;  // in the order of their records
  std::unordered_map<PyObject*, Py_ssize_t> indices_;
  Traced traced_;     // the exceptions that are printed
  std::string hint_;  // the hint for home; empty: none
  // The limit on exceptions that are found among the parts of others. A class may create new ones each time it is asked.
  static constexpr std::size_t kLinkedMax = 1000;
  std::size_t linked_ = 0;
  Message& out_;
};

Py_ssize_t ExceptionEncoder::index_of(PyObject* exception) {
  const auto next = static_cast<Py_ssize_t>(exceptions_.size());
  const auto [found, added] = indices_.try_emplace(exception, next);
  if (added) exceptions_.push_back(py::Ref::borrow(exception));
  return found->second;
}

bool ExceptionEncoder::encode(PyObject* exception) {
  if (!take_hint(exception)) return false;
  py::Ref trace = take_trace(runtime_, exception, traced_);
  if (!trace) trace = traceback_text(exception);
  const py::Ref records = py::Ref::steal(PyList_New(0));
  if (!trace || !records) return false;
  index_of(exception);
  for (std::size_t i = 0; i < exceptions_.size(); ++i) {  // grows during the loop
    const py::Ref record = describe(i);
    if (!record || PyList_Append(records.get(), record.get()) < 0) return false;
  }
  const py::Ref tuple = py::Ref::steal(PyList_AsTuple(records.get()));
  const py::Ref message = tuple ? py::Ref::steal(PyTuple_Pack(2, trace.get(), tuple.get())) : py::Ref();
  return message && encode_message(runtime_, Roots(message.get()), views_in(out_), ByValue::kNever, out_);
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

bool ExceptionEncoder::take_hint(PyObject* exception) {
  if (!runtime_.refused_imports) return true;
  ImportHint hint = hint_about_imports(*runtime_.refused_imports, exception);
  if (hint.module.empty()) return true;
  const py::Ref name = py::Ref::steal(PyUnicode_FromString(kRefusedModule));
  const py::Ref module = name ? py::Ref::steal(PyUnicode_FromString(hint.module.c_str())) : py::Ref();
  if (!module) return false;
  if (PyObject_GenericSetAttr(exception, name.get(), module.get()) < 0) PyErr_Clear();
  hint_ = std::move(hint.text);
  return true;
}

bool ExceptionEncoder::add_hint(py::Ref& notes) const {
  const py::Ref hint = py::Ref::steal(PyUnicode_FromStringAndSize(hint_.data(), static_cast<Py_ssize_t>(hint_.size())));
  const int known = hint ? PySequence_Contains(notes.get(), hint.get()) : -1;
  if (known != 0) return known > 0;
  const py::Ref added = py::Ref::steal(PyTuple_Pack(1, hint.get()));
  if (added) notes = py::Ref::steal(PySequence_Concat(notes.get(), added.get()));
  return added && notes;
}

// Null without an error if the value does not consist of exceptions only.
py::Ref ExceptionEncoder::link_of(PyObject* value) {
  if (PyExceptionInstance_Check(value)) return py::Ref::steal(PyLong_FromSsize_t(index_of(value)));
  const bool is_dict = PyDict_CheckExact(value);
  if (!is_dict && !PyList_CheckExact(value) && !PyTuple_CheckExact(value)) return {};
  const py::Ref items = is_dict ? py::Ref::steal(PyDict_Values(value)) : py::Ref::steal(PySequence_List(value));
  const Py_ssize_t count = items ? PyList_GET_SIZE(items.get()) : 0;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!PyExceptionInstance_Check(PyList_GET_ITEM(items.get(), i))) return {};
  }
  if (count == 0) return {};
  const py::Ref keys = is_dict ? py::Ref::steal(PyDict_Keys(value)) : py::Ref();
  for (Py_ssize_t i = 0; keys && i < count; ++i) {
    if (!PyUnicode_CheckExact(PyList_GET_ITEM(keys.get(), i))) return {};
  }
  py::Ref link = is_dict ? py::Ref::steal(PyDict_New()) : py::Ref::steal(PyList_New(0));
  for (Py_ssize_t i = 0; link && i < count; ++i) {
    const py::Ref index = py::Ref::steal(PyLong_FromSsize_t(index_of(PyList_GET_ITEM(items.get(), i))));
    if (!index || (keys ? PyDict_SetItem(link.get(), PyList_GET_ITEM(keys.get(), i), index.get())
                        : PyList_Append(link.get(), index.get())) < 0) {
      return {};
    }
  }
  return PyTuple_CheckExact(value) && link ? py::Ref::steal(PyList_AsTuple(link.get())) : std::move(link);
}

py::Ref ExceptionEncoder::take_links(ExceptionParts& parts) {
  const py::Ref links = py::Ref::steal(PyList_New(0));
  if (!links) return {};
  const auto add = [&](int part, const py::Ref& key, PyObject* value) {
    if (linked_ >= kLinkedMax) return false;
    const std::size_t before = exceptions_.size();
    const py::Ref link = link_of(value);
    linked_ += exceptions_.size() - before;
    if (!link) return false;
    const py::Ref entry = py::Ref::steal(Py_BuildValue("(iOO)", part, key.get(), link.get()));
    return entry && PyList_Append(links.get(), entry.get()) == 0;
  };
  const py::Ref args = py::Ref::steal(PySequence_List(parts[kArgs].get()));
  if (!args) return {};
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(args.get()); ++i) {
    const py::Ref position = py::Ref::steal(PyLong_FromSsize_t(i));
    if (position && add(kArgs, position, PyList_GET_ITEM(args.get(), i))) PyList_SetItem(args.get(), i, Py_NewRef(Py_None));
  }
  if (PyList_GET_SIZE(links.get()) != 0) parts[kArgs] = py::Ref::steal(PyList_AsTuple(args.get()));
  for (int part = kState; part < kParts; ++part) {
    py::Ref& attributes = parts[static_cast<std::size_t>(part)];
    py::Ref copy = py::Ref::steal(PyDict_Copy(attributes.get()));
    if (!copy) return {};
    PyObject* key;
    PyObject* value;
    Py_ssize_t position = 0;
    while (PyDict_Next(attributes.get(), &position, &key, &value) != 0) {
      if (!PyUnicode_CheckExact(key) || !add(part, py::Ref::borrow(key), value)) continue;
      if (PyDict_SetItem(copy.get(), key, Py_None) < 0) return {};
    }
    attributes = std::move(copy);
  }
  PyErr_Clear();
  return parts[kArgs] ? py::Ref::steal(PyList_AsTuple(links.get())) : py::Ref();
}

py::Ref ExceptionEncoder::describe_members(PyObject* group) {
  const py::Ref members = members_of(group);
  if (!members) return {};
  py::Ref indices = py::Ref::steal(PyTuple_New(PyTuple_GET_SIZE(members.get())));
  if (!indices) return {};
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members.get()); ++i) {
    PyObject* const index = PyLong_FromSsize_t(index_of(PyTuple_GET_ITEM(members.get(), i)));
    if (index == nullptr) return {};
    PyTuple_SET_ITEM(indices.get(), i, index);
  }
  return indices;
}

// How an exception is to be rebuilt, according to its class.
struct Reduction {
  py::Ref constructor;   // tuple: the arguments for calling the class
  py::Ref state;         // dict: attributes to set afterwards; null: none
  bool special = false;  // in another way, which only pickle supports
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

// A copy of a dict without the notes and without the keys of `without` (which may be null). Empty if there is no dict.
py::Ref other_attributes(PyObject* attributes, PyObject* without, bool has_notes) {
  py::Ref copy = attributes == nullptr ? py::Ref::steal(PyDict_New()) : py::Ref::steal(PyDict_Copy(attributes));
  if (!copy) return {};
  if (has_notes && PyDict_PopString(copy.get(), "__notes__", nullptr) < 0) return {};
  PyObject* key;
  Py_ssize_t position = 0;
  while (without != nullptr && PyDict_Next(without, &position, &key, nullptr) != 0) {
    if (PyDict_Pop(copy.get(), key, nullptr) < 0) return {};
  }
  return copy;
}

// The text of an exception. Home needs it for groups, and if it cannot find the class. Known texts are reused: an
// exception's text may include the texts of all exceptions in its args, so producing each of them again would take
// quadratic time.
py::Ref ExceptionEncoder::text_of(PyObject* exception, PyObject* message) const {
  if (message != nullptr) return exact_text(message, "<exception str() failed>");
  const auto known = traced_.find(exception);
  if (known != traced_.end() && known->second) return py::Ref::borrow(known->second.get());
  const bool is_plain = Py_TYPE(exception)->tp_str == reinterpret_cast<PyTypeObject*>(PyExc_BaseException)->tp_str;
  return is_plain ? none() : exact_text(exception, "<exception str() failed>");
}

py::Ref ExceptionEncoder::describe(std::size_t index) {
  PyObject* const exception = exceptions_[index].get();
  if (is_remote_traceback(runtime_, exception) && !settle_remote_traceback(exception)) PyErr_Clear();
  const py::Ref module = exact_text(py::Ref::steal(PyType_GetModuleName(Py_TYPE(exception))).get(), "builtins");
  const py::Ref qualname =
      exact_text(py::Ref::steal(PyType_GetQualName(Py_TYPE(exception))).get(), Py_TYPE(exception)->tp_name);
  py::Ref identity = identity_of(Py_TYPE(exception));
  PyErr_Clear();
  if (!identity) identity = none();
  if (identity.get() == Py_None && derives_from_identified(Py_TYPE(exception))) {
    const py::Ref packed = pack(runtime_, reinterpret_cast<PyObject*>(Py_TYPE(exception)), nullptr, out_);
    PyErr_Clear();
    if (packed) identity = py::Ref::steal(PyTuple_Pack(1, packed.get()));
    if (!identity) return {};
  }
  const py::Ref message = is_group(exception) ? attribute(exception, "message") : py::Ref();
  const py::Ref text = text_of(exception, message.get());
  const py::Ref lost = py::Ref::steal(PyList_New(0));
  if (!module || !qualname || !text || !lost) return {};
  out_.needs_main = out_.needs_main || is_main(utf8_view(module.get()));

  py::Ref attributes = attributes_of(exception);
  if (attributes && !PyDict_Check(attributes.get())) attributes.reset();
  py::Ref notes = notes_of(attributes.get());
  if (!notes) return {};

  py::Ref members = none();
  py::Ref whole;
  py::Ref constructor;
  Reduction reduction;
  if (is_group(exception)) {
    members = describe_members(exception);
  } else if (rebuilds_itself(Py_TYPE(exception))) {
    reduction = reduce(exception);
    if (reduction.special) whole = pack(runtime_, exception, nullptr, out_);
    if (reduction.constructor) constructor = pack(runtime_, reduction.constructor.get(), nullptr, out_);
    PyErr_Clear();
  }
  const bool has_notes = PyTuple_GET_SIZE(notes.get()) != 0;
  if (index == 0 && !hint_.empty() && !add_hint(notes)) return {};
  ExceptionParts parts;
  parts[kArgs] = is_group(exception) ? py::Ref::steal(PyTuple_New(0)) : py::Ref::steal(PyException_GetArgs(exception));
  parts[kFields] = read_fields(exception);
  const bool is_simple = !whole && !constructor;
  if (whole || constructor) {
    parts[kState] = other_attributes(reduction.state.get(), nullptr, has_notes);
    parts[kRest] = other_attributes(attributes.get(), reduction.state.get(), has_notes);
  } else {
    parts[kState] = other_attributes(attributes.get(), nullptr, has_notes);
    parts[kRest] = py::Ref::steal(PyDict_New());
  }
  if (!members || !parts[kArgs] || !parts[kFields] || !parts[kState] || !parts[kRest]) return {};

  py::Ref links;
  py::Ref content;
  py::Ref pieces = none();
  if (is_simple && has_only_leaves(parts)) {
    links = py::Ref::steal(PyTuple_New(0));
    content = tuple_of(parts);
  } else {
    links = take_links(parts);
    if (!links) return {};
    content = pack(runtime_, tuple_of(parts).get(), nullptr, out_);
    if (!is_native(content)) {
      PyErr_Clear();
      pieces = pack_pieces(runtime_, parts, lost.get(), out_);
      if (!pieces) return {};
      if (!content) content = pack(runtime_, tuple_of(parts).get(), nullptr, out_);
      PyErr_Clear();
    }
  }

  py::Ref cause = py::Ref::steal(PyException_GetCause(exception));
  // The printed traceback shows it already.
  if (cause && is_remote_traceback(runtime_, cause.get()) && traced_.contains(cause.get())) cause.reset();
  const py::Ref context = py::Ref::steal(PyException_GetContext(exception));
  const bool suppress = reinterpret_cast<PyBaseExceptionObject*>(exception)->suppress_context != 0;
  const Py_ssize_t cause_index = cause ? index_of(cause.get()) : ExceptionRecord::kNone;
  const Py_ssize_t context_index = context ? index_of(context.get()) : ExceptionRecord::kNone;
  py::Ref lost_texts = py::Ref::steal(PyList_AsTuple(lost.get()));
  if (!lost_texts) return {};
  const auto given = [](py::Ref& packed) { return packed ? packed.release() : Py_NewRef(Py_None); };
  return py::Ref::steal(Py_BuildValue(kRecordBuildFormat, module.get(), qualname.get(), text.get(), given(whole),
                                      given(constructor), given(content), pieces.release(), links.release(), notes.release(),
                                      lost_texts.release(), members.release(), cause_index, context_index, suppress ? 1 : 0,
                                      identity.get()));
}

// The last resort: the type's name, stored in the message without any allocation. It is the value (name, ()).
void encode_name(const char* name, Message& out) noexcept {
  constexpr std::size_t kMost = 48;
  unsigned char content[kMost + 8];
  std::size_t size = 0;
  const std::size_t length = strnlen(name, kMost);
  static_assert(kMost << 1 < 0x4000 && sizeof content <= base::Bytes::kInline);
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
  if (!encode_value(runtime, value, message, root, views_in(outer))) return {};
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
    const bool done = encoder.encode(exception.get());
    encoder.drop_tracebacks();
    return done;
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
  if (!exception) {  // a call has failed without an exception, as CPython's unpickler does without memory
    PyErr_NoMemory();
    exception = py::take_exception();
  }
  return exception;
}

}  // namespace aiointerpreters::codec
