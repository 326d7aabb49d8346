// Home's half: rebuilds exceptions from their records (exception_record.h).
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "codec/class_identity.h"
#include "codec/corrupt.h"
#include "codec/exception_parts.h"
#include "codec/exception_record.h"
#include "codec/exception_type.h"
#include "codec/remote_traceback.h"
#include "py/error.h"
#include "py/text.h"

namespace aiointerpreters::codec {

namespace {

class ExceptionBuilder {
 public:
  ExceptionBuilder(Runtime& runtime, std::span<const Attachment> attachments)
      : runtime_(runtime), attachments_(attachments) {}

  // `message` is the tuple (trace or text, records). Returns new; null with an exception set.
  py::Ref build(PyObject* message);

 private:
  bool parse(PyObject* records);
  bool build_all();
  bool members_built(std::size_t index, std::vector<std::size_t>& stack);
  bool build_one(std::size_t index);
  py::Ref make(std::size_t index);
  py::Ref make_group(const ExceptionRecord& record, PyTypeObject* type);
  py::Ref make_by_constructor(const ExceptionRecord& record, PyTypeObject* type);
  py::Ref make_instead(std::size_t index);
  py::Ref make_of_name(PyObject* name);
  // Gives an exception its parts and notes. If it cannot get a part, a note says so.
  void furnish(std::size_t index);
  void speak_instead(const ExceptionRecord& record, PyObject* exception, PyObject* args);
  bool unpack_parts(const ExceptionRecord& record, ExceptionParts& parts, PyObject* lost);
  bool unpack_pieces(const ExceptionRecord& record, ExceptionParts& parts, PyObject* lost);
  bool follow_links(const ExceptionRecord& record, ExceptionParts& parts);
  py::Ref follow(PyObject* link);
  void set_state(PyObject* exception, PyObject* state);
  void set_fields(PyObject* exception, PyObject* fields);
  void set_notes(const ExceptionRecord& record, PyObject* exception, PyObject* lost);
  py::Ref find_class(const ExceptionRecord& record);
  void link(std::size_t index);
  void set_suppress(std::size_t index);
  std::size_t innermost_cause() const;

  // Drops the error that is set, if any. An error that is meant for this thread (KeyboardInterrupt) ends the rebuilding.
  void drop_error();

  enum class Made : std::uint8_t { kAsPickled, kByConstructor, kWithoutInit, kInstead };

  Runtime& runtime_;
  const std::span<const Attachment> attachments_;  // of the whole message
  std::vector<ExceptionRecord> records_;           // borrowed from the message
  std::vector<py::Ref> built_;
  std::vector<Made> made_;
  std::vector<bool> visited_;
  py::Ref interruption_;
};

void ExceptionBuilder::drop_error() {
  if (PyErr_Occurred() == nullptr) return;
  const bool is_interruption = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0;
  py::Ref error = py::take_exception();
  if (is_interruption && !interruption_) interruption_ = std::move(error);
}

bool ExceptionBuilder::parse(PyObject* records) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(records); ++i) {
    ExceptionRecord r;
    if (PyArg_ParseTuple(PyTuple_GET_ITEM(records, i), kRecordParseFormat, &r.module, &r.qualname, &r.text, &r.whole,
                         &r.constructor, &r.content, &r.pieces, &PyTuple_Type, &r.links, &PyTuple_Type, &r.notes,
                         &PyTuple_Type, &r.lost, &r.members, &r.cause, &r.context, &r.suppress_context, &r.identity) == 0) {
      return false;
    }
    if (r.text != Py_None && !PyUnicode_Check(r.text)) return corrupt_message();
    records_.push_back(r);
  }
  return true;
}

py::Ref ExceptionBuilder::build(PyObject* message) {
  PyObject* trace;
  PyObject* records;
  if (PyArg_ParseTuple(message, "OO!", &trace, &PyTuple_Type, &records) == 0 || !parse(records)) return {};
  if (!PyUnicode_CheckExact(trace) && !PyTuple_CheckExact(trace)) return corrupt_message(), py::Ref();
  if (records_.empty()) return make_of_name(trace);
  built_.resize(records_.size());
  made_.resize(records_.size());
  visited_.resize(records_.size());
  if (!build_all()) return {};
  // Done after all are built, because they refer to each other.
  for (std::size_t i = 0; i < records_.size(); ++i) furnish(i);
  for (std::size_t i = 0; i < records_.size(); ++i) link(i);

  py::Ref remote = make_remote_traceback(runtime_, trace);
  drop_error();
  if (remote) {
    const std::size_t innermost = innermost_cause();
    PyException_SetCause(built_[innermost].get(), remote.release());
    // A cause is printed in any case. This suppresses the context, which the trace shows already.
    set_suppress(innermost);
  }
  if (interruption_) {
    py::restore_exception(std::move(interruption_));
    return {};
  }
  return std::move(built_[0]);
}

// Reads what encode_exception has written as the last resort: only a name. The usual reason is lack of memory, and a
// MemoryError needs no more.
py::Ref ExceptionBuilder::make_of_name(PyObject* name) {
  const bool is_memory = PyUnicode_CheckExact(name) && PyUnicode_EqualToUTF8(name, "MemoryError") != 0;
  return py::Ref::steal(is_memory ? PyObject_CallNoArgs(PyExc_MemoryError)
                                  : PyObject_CallOneArg(runtime_.interpreter_error.get(), name));
}

// Members are built before their groups, because a group cannot be created without them.
bool ExceptionBuilder::build_all() {
  std::vector<std::size_t> stack;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    stack.push_back(i);
    while (!stack.empty()) {
      const std::size_t index = stack.back();
      if (built_[index] || members_built(index, stack)) {
        stack.pop_back();
        if (!built_[index] && !build_one(index)) return false;
      }
    }
  }
  return true;
}

// Whether all members of this record have been built. If not, one of them is pushed.
bool ExceptionBuilder::members_built(std::size_t index, std::vector<std::size_t>& stack) {
  PyObject* const members = records_[index].members;
  if (visited_[index] || !PyTuple_CheckExact(members)) return true;
  visited_[index] = true;
  const std::size_t before = stack.size();
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(members); ++i) {
    const std::size_t member = PyLong_AsSize_t(PyTuple_GET_ITEM(members, i));
    if (member < built_.size() && !built_[member]) stack.push_back(member);
  }
  PyErr_Clear();
  return stack.size() == before;
}

bool ExceptionBuilder::build_one(std::size_t index) {
  py::Ref exception = make(index);
  drop_error();
  if (!exception) exception = make_instead(index);
  if (!exception) return false;
  built_[index] = std::move(exception);
  return true;
}

py::Ref ExceptionBuilder::make(std::size_t index) {
  const ExceptionRecord& record = records_[index];
  const py::Ref found = find_class(record);
  drop_error();
  if (!found) return {};
  auto* const type = reinterpret_cast<PyTypeObject*>(found.get());
  if (record.whole != Py_None) {
    py::Ref exception = unpack(runtime_, record.whole, attachments_);
    drop_error();
    made_[index] = Made::kAsPickled;
    if (exception && Py_IS_TYPE(exception.get(), type)) return exception;
  }
  if (record.constructor != Py_None) {
    py::Ref exception = make_by_constructor(record, type);
    drop_error();
    made_[index] = Made::kByConstructor;
    if (exception) return exception;
  }
  made_[index] = Made::kWithoutInit;
  return PyTuple_CheckExact(record.members) ? make_group(record, type) : make_without_init(type);
}

py::Ref ExceptionBuilder::find_class(const ExceptionRecord& record) {
  // A class that this interpreter has sent by value, or received.
  if (record.identity != Py_None) {
    const bool is_packed = PyTuple_CheckExact(record.identity) && PyTuple_GET_SIZE(record.identity) == 1;
    py::Ref own =
        is_packed ? unpack(runtime_, PyTuple_GET_ITEM(record.identity, 0), attachments_) : find_identity(record.identity);
    if (own && PyExceptionClass_Check(own.get())) return own;
    drop_error();
  }
  py::Ref object = py::Ref::steal(PyImport_GetModule(record.module));
  if (!object) object = py::Ref::steal(PyImport_Import(record.module));
  // In a worker, home's script has this name. Home may not have such a module.
  if (!object && PyUnicode_EqualToUTF8(record.module, "__mp_main__") != 0) {
    drop_error();
    object = py::Ref::steal(PyImport_ImportModule("__main__"));
  }
  if (!object) return {};
  const Py_ssize_t length = PyUnicode_GET_LENGTH(record.qualname);
  for (Py_ssize_t start = 0, end = 0; object && end < length; start = end + 1) {
    end = PyUnicode_FindChar(record.qualname, '.', start, length, 1);
    if (end < 0) end = length;
    const py::Ref name = py::Ref::steal(PyUnicode_Substring(record.qualname, start, end));
    object = name ? py::Ref::steal(PyObject_GetAttr(object.get(), name.get())) : py::Ref();
  }
  if (!object || !PyExceptionClass_Check(object.get())) return {};
  return object;
}

py::Ref ExceptionBuilder::make_group(const ExceptionRecord& record, PyTypeObject* type) {
  if (!PyType_IsSubtype(type, reinterpret_cast<PyTypeObject*>(PyExc_BaseExceptionGroup))) return {};
  const py::Ref members = py::Ref::steal(PyList_New(0));
  if (!members) return {};
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(record.members); ++i) {
    const std::size_t member = PyLong_AsSize_t(PyTuple_GET_ITEM(record.members, i));
    if (member >= built_.size() || !built_[member]) return {};
    if (PyList_Append(members.get(), built_[member].get()) < 0) return {};
  }
  // The class's own __new__ is not used, because it may take other arguments.
  const py::Ref args = py::Ref::steal(PyTuple_Pack(2, record.text, members.get()));
  if (!args) return {};
  return py::Ref::steal(reinterpret_cast<PyTypeObject*>(PyExc_BaseExceptionGroup)->tp_new(type, args.get(), nullptr));
}

// As in pickle: the class is called with the arguments of its reduction.
py::Ref ExceptionBuilder::make_by_constructor(const ExceptionRecord& record, PyTypeObject* type) {
  const py::Ref args = unpack(runtime_, record.constructor, attachments_);
  if (!args || !PyTuple_CheckExact(args.get())) return {};
  py::Ref exception = py::Ref::steal(PyObject_Call(reinterpret_cast<PyObject*>(type), args.get(), nullptr));
  return exception && Py_IS_TYPE(exception.get(), type) ? std::move(exception) : py::Ref();
}

// The text of a stand-in. `said`: the text of the original exception, or None.
py::Ref describe_instead(const ExceptionRecord& record, PyObject* said) {
  if (said == Py_None || PyUnicode_GET_LENGTH(said) == 0) {
    return py::Ref::steal(PyUnicode_FromFormat("%U.%U", record.module, record.qualname));
  }
  return py::Ref::steal(PyUnicode_FromFormat("%U.%U: %U", record.module, record.qualname, said));
}

// A stand-in for an exception whose class cannot be found here.
py::Ref ExceptionBuilder::make_instead(std::size_t index) {
  const ExceptionRecord& record = records_[index];
  made_[index] = Made::kInstead;
  const py::Ref text = describe_instead(record, record.text);
  return text ? py::Ref::steal(PyObject_CallOneArg(runtime_.interpreter_error.get(), text.get())) : py::Ref();
}

void ExceptionBuilder::furnish(std::size_t index) {
  const ExceptionRecord& record = records_[index];
  PyObject* const exception = built_[index].get();
  const Made made = made_[index];
  const py::Ref lost = py::Ref::steal(made == Made::kAsPickled ? PyList_New(0) : PySequence_List(record.lost));
  ExceptionParts parts;
  if (lost && unpack_parts(record, parts, lost.get()) && follow_links(record, parts)) {
    const bool is_group = PyTuple_CheckExact(record.members);
    if (made == Made::kWithoutInit && !is_group) PyException_SetArgs(exception, parts[kArgs].get());
    if (made == Made::kInstead && record.text == Py_None) speak_instead(record, exception, parts[kArgs].get());
    if (made != Made::kAsPickled) set_state(exception, parts[kState].get());
    set_fields(exception, parts[kFields].get());
    const bool has_rest = PyDict_GET_SIZE(parts[kRest].get()) != 0;
    const py::Ref attributes = has_rest ? py::Ref::steal(PyObject_GenericGetDict(exception, nullptr)) : py::Ref();
    if (attributes) PyDict_Merge(attributes.get(), parts[kRest].get(), 0);
    if (made == Made::kInstead && is_group) {
      const py::Ref members = follow(record.members);
      if (members) PyObject_SetAttrString(exception, "exceptions", members.get());
    }
  }
  drop_error();
  if (lost) set_notes(record, exception, lost.get());
  drop_error();
}

// Gives a stand-in the text of its exception: the text that BaseException produces from the args.
void ExceptionBuilder::speak_instead(const ExceptionRecord& record, PyObject* exception, PyObject* args) {
  PyException_SetArgs(exception, args);
  const py::Ref text = describe_instead(record, exact_text(exception, "<exception str() failed>").get());
  const py::Ref all = text ? py::Ref::steal(PyTuple_Pack(1, text.get())) : py::Ref();
  if (all) PyException_SetArgs(exception, all.get());
  drop_error();
}

bool ExceptionBuilder::unpack_parts(const ExceptionRecord& record, ExceptionParts& parts, PyObject* lost) {
  const bool is_packed = !PyTuple_CheckExact(record.content);
  const py::Ref content = record.content == Py_None ? py::Ref()
                          : is_packed               ? unpack(runtime_, record.content, attachments_)
                                                    : py::Ref::borrow(record.content);
  drop_error();
  if (!content) return unpack_pieces(record, parts, lost);
  PyObject* borrowed[kParts];
  if (PyArg_ParseTuple(content.get(), "O!O!O!O!", &PyTuple_Type, &borrowed[kArgs], &PyDict_Type, &borrowed[kState],
                       &PyDict_Type, &borrowed[kFields], &PyDict_Type, &borrowed[kRest]) == 0) {
    return false;
  }
  for (std::size_t part = 0; part < kParts; ++part) parts[part] = py::Ref::borrow(borrowed[part]);
  return true;
}

// Used if some content cannot be created here. All other content still can.
bool ExceptionBuilder::unpack_pieces(const ExceptionRecord& record, ExceptionParts& parts, PyObject* lost) {
  PyObject* pieces[kParts];
  if (!PyTuple_Check(record.pieces) ||
      PyArg_ParseTuple(record.pieces, "O!O!O!O!", &PyTuple_Type, &pieces[kArgs], &PyDict_Type, &pieces[kState], &PyDict_Type,
                       &pieces[kFields], &PyDict_Type, &pieces[kRest]) == 0) {
    return false;
  }
  // Unpacks one piece. If that fails, reports it as lost, and `instead` takes its place.
  const auto unpack_piece = [&](PyObject* piece, const std::string& name, const char* instead) {
    py::Ref value = unpack(runtime_, piece, attachments_);
    if (value) return value;
    const py::Ref error = py::take_exception();
    const bool is_interruption = error && PyErr_GivenExceptionMatches(error.get(), PyExc_KeyboardInterrupt) != 0;
    const py::Ref reason = exact_text(error.get(), "no reason is known");
    if (reason) {
      const py::Ref note =
          py::Ref::steal(PyUnicode_FromFormat("%s could not be rebuilt here: %s: %U; %s", name.c_str(),
                                              error ? Py_TYPE(error.get())->tp_name : "error", reason.get(), instead));
      if (note) PyList_Append(lost, note.get());
    }
    drop_error();
    if (is_interruption && !interruption_) interruption_ = py::Ref::borrow(error.get());
    return value;
  };
  parts[kArgs] = py::Ref::steal(PyTuple_New(PyTuple_GET_SIZE(pieces[kArgs])));
  if (!parts[kArgs]) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(pieces[kArgs]); ++i) {
    py::Ref arg =
        unpack_piece(PyTuple_GET_ITEM(pieces[kArgs], i), "args[" + std::to_string(i) + "]", "None is used instead");
    PyTuple_SET_ITEM(parts[kArgs].get(), i, arg ? arg.release() : Py_NewRef(Py_None));
  }
  for (int part = kState; part < kParts; ++part) {
    py::Ref& attributes = parts[static_cast<std::size_t>(part)];
    attributes = py::Ref::steal(PyDict_New());
    PyObject* name;
    PyObject* piece;
    Py_ssize_t position = 0;
    while (attributes && PyDict_Next(pieces[part], &position, &name, &piece) != 0) {
      const py::Ref value = unpack_piece(piece, "attribute '" + py::utf8_of(name) + "'", "it was left out");
      if (value && PyDict_SetItem(attributes.get(), name, value.get()) < 0) return false;
    }
    if (!attributes) return false;
  }
  return true;
}

bool ExceptionBuilder::follow_links(const ExceptionRecord& record, ExceptionParts& parts) {
  if (PyTuple_GET_SIZE(record.links) == 0) return true;
  py::Ref args = py::Ref::steal(PySequence_List(parts[kArgs].get()));
  if (!args) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(record.links); ++i) {
    int part;
    PyObject* key;
    PyObject* link;
    if (PyArg_ParseTuple(PyTuple_GET_ITEM(record.links, i), "iOO", &part, &key, &link) == 0) return false;
    if (part < kArgs || part >= kParts) continue;
    const py::Ref value = follow(link);
    PyObject* const into = part == kArgs ? args.get() : parts[static_cast<std::size_t>(part)].get();
    if (!value || PyObject_SetItem(into, key, value.get()) < 0) return false;
  }
  parts[kArgs] = py::Ref::steal(PyList_AsTuple(args.get()));
  return static_cast<bool>(parts[kArgs]);
}

py::Ref ExceptionBuilder::follow(PyObject* link) {
  if (PyDict_CheckExact(link)) {
    py::Ref dict = py::Ref::steal(PyDict_New());
    PyObject* key;
    PyObject* index;
    Py_ssize_t position = 0;
    while (dict && PyDict_Next(link, &position, &key, &index) != 0) {
      const py::Ref exception = follow(index);
      if (!exception || PyDict_SetItem(dict.get(), key, exception.get()) < 0) return {};
    }
    return dict;
  }
  if (PyLong_CheckExact(link)) {
    const std::size_t index = PyLong_AsSize_t(link);
    return index < built_.size() ? py::Ref::borrow(built_[index].get()) : py::Ref();
  }
  const bool is_tuple = PyTuple_CheckExact(link);
  py::Ref list = py::Ref::steal(PySequence_List(link));
  for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list.get()); ++i) {
    PyObject* const index = PyList_GET_ITEM(list.get(), i);
    py::Ref exception = PyLong_CheckExact(index) ? follow(index) : py::Ref();
    if (!exception) return {};
    PyList_SetItem(list.get(), i, exception.release());
  }
  return is_tuple && list ? py::Ref::steal(PyList_AsTuple(list.get())) : std::move(list);
}

// Uses the class's own __setstate__ if it has one. Otherwise sets attributes without its __setattr__, which may refuse
// (frozen dataclasses).
void ExceptionBuilder::set_state(PyObject* exception, PyObject* state) {
  if (PyDict_GET_SIZE(state) == 0) return;
  const py::Ref own =
      py::Ref::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(exception)), "__setstate__"));
  if (own && !Py_IS_TYPE(own.get(), &PyMethodDescr_Type)) {
    const py::Ref done = py::Ref::steal(PyObject_CallFunctionObjArgs(own.get(), exception, state, nullptr));
    if (done) return;
  }
  drop_error();
  const py::Ref attributes = py::Ref::steal(PyObject_GenericGetDict(exception, nullptr));
  if (attributes) PyDict_Update(attributes.get(), state);
  drop_error();
}

void ExceptionBuilder::set_fields(PyObject* exception, PyObject* fields) {
  PyObject* name;
  PyObject* value;
  Py_ssize_t position = 0;
  while (PyDict_Next(fields, &position, &name, &value) != 0) {
    (void)write_field(exception, name, value);
    drop_error();
  }
}

void ExceptionBuilder::set_notes(const ExceptionRecord& record, PyObject* exception, PyObject* lost) {
  if (PyTuple_GET_SIZE(record.notes) == 0 && PyList_GET_SIZE(lost) == 0) return;
  const py::Ref notes = py::Ref::steal(PySequence_List(record.notes));
  if (!notes || PyList_Extend(notes.get(), lost) < 0 || PyList_GET_SIZE(notes.get()) == 0) return;
  const py::Ref name = py::Ref::steal(PyUnicode_FromString("__notes__"));
  if (name) (void)PyObject_GenericSetAttr(exception, name.get(), notes.get());
}

void ExceptionBuilder::link(std::size_t index) {
  const ExceptionRecord& record = records_[index];
  PyObject* const exception = built_[index].get();
  const auto count = static_cast<Py_ssize_t>(built_.size());
  if (record.cause >= 0 && record.cause < count) {
    PyException_SetCause(exception, Py_NewRef(built_[static_cast<std::size_t>(record.cause)].get()));
  }
  if (record.context >= 0 && record.context < count) {
    PyException_SetContext(exception, Py_NewRef(built_[static_cast<std::size_t>(record.context)].get()));
  }
  set_suppress(index);
}

void ExceptionBuilder::set_suppress(std::size_t index) {
  auto* const exception = reinterpret_cast<PyBaseExceptionObject*>(built_[index].get());
  exception->suppress_context = records_[index].suppress_context != 0 ? 1 : 0;
}

// The last exception in the chain of explicit causes; in a cycle, the last one before it closes.
std::size_t ExceptionBuilder::innermost_cause() const {
  std::vector<bool> seen(records_.size());
  std::size_t index = 0;
  for (;;) {
    seen[index] = true;
    const Py_ssize_t cause = records_[index].cause;
    if (cause < 0 || cause >= static_cast<Py_ssize_t>(records_.size()) || seen[static_cast<std::size_t>(cause)]) {
      return index;
    }
    index = static_cast<std::size_t>(cause);
  }
}

}  // namespace

py::Ref rebuild_exception(Runtime& runtime, PyObject* message, std::span<const Attachment> attachments) {
  ExceptionBuilder builder(runtime, attachments);
  return builder.build(message);
}

}  // namespace aiointerpreters::codec
