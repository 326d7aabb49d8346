// Exceptions: home's half, which builds them again from their records (exception_record.h).
#include <string>
#include <utility>
#include <vector>

#include "codec/exception_record.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

class ExceptionBuilder {
 public:
  ExceptionBuilder(Runtime& runtime, std::span<const Attachment> attachments)
      : runtime_(runtime), attachments_(attachments) {}

  // `message` is the tuple (text, records). Returns new; null with an exception set.
  py::Ref build(PyObject* message);

 private:
  bool parse(PyObject* records);
  bool build_all();
  bool members_built(std::size_t index, std::vector<std::size_t>& stack);
  bool build_one(std::size_t index);
  py::Ref make(const ExceptionRecord& record, bool& complete);
  py::Ref make_group(const ExceptionRecord& record, PyTypeObject* type);
  py::Ref make_by_constructor(const ExceptionRecord& record, PyTypeObject* type);
  py::Ref make_without_init(const ExceptionRecord& record, PyTypeObject* type, PyObject* notes);
  py::Ref make_instead(const ExceptionRecord& record);
  void set_state(const ExceptionRecord& record, PyObject* exception, PyObject* notes);
  bool set_notes(const ExceptionRecord& record, PyObject* exception, PyObject* more, bool complete);
  py::Ref find_class(const ExceptionRecord& record);
  void link(std::size_t index);
  void set_suppress(std::size_t index);
  std::size_t innermost_cause() const;

  // Drops the error that is set, if any; but one that is meant for this thread ends the building.
  void drop_error();

  Runtime& runtime_;
  const std::span<const Attachment> attachments_;  // of the whole message
  std::vector<ExceptionRecord> records_;  // borrowed from the message
  std::vector<py::Ref> built_;
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
                         &r.constructor, &r.args, &r.state, &PyTuple_Type, &r.notes, &PyTuple_Type, &r.lost, &r.members,
                         &r.cause, &r.context, &r.suppress_context) == 0) {
      return false;
    }
    records_.push_back(r);
  }
  return true;
}

py::Ref ExceptionBuilder::build(PyObject* message) {
  PyObject* text;
  PyObject* records;
  if (PyArg_ParseTuple(message, "UO!", &text, &PyTuple_Type, &records) == 0 || !parse(records)) return {};
  if (records_.empty()) return py::Ref::steal(PyObject_CallOneArg(runtime_.interpreter_error.get(), text));
  built_.resize(records_.size());
  visited_.resize(records_.size());
  if (!build_all()) return {};
  for (std::size_t i = 0; i < records_.size(); ++i) link(i);

  py::Ref remote = py::Ref::steal(PyObject_CallOneArg(runtime_.remote_traceback.get(), text));
  drop_error();
  if (remote) {
    const std::size_t innermost = innermost_cause();
    PyException_SetCause(built_[innermost].get(), remote.release());
    // A cause is printed whatever this says, and instead of the context, which the text shows already.
    set_suppress(innermost);
  }
  if (interruption_) {
    py::restore_exception(std::move(interruption_));
    return {};
  }
  return std::move(built_[0]);
}

// Members come before their groups, which cannot be made without them.
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

// Whether there is nothing to build before this record; if there is, it is pushed.
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
  const ExceptionRecord& record = records_[index];
  bool complete = false;
  py::Ref exception = make(record, complete);
  drop_error();
  if (!exception) exception = make_instead(record);
  if (!exception) return false;
  built_[index] = std::move(exception);
  return true;
}

py::Ref ExceptionBuilder::make(const ExceptionRecord& record, bool& complete) {
  const py::Ref found = find_class(record);
  drop_error();
  if (!found) return {};
  auto* const type = reinterpret_cast<PyTypeObject*>(found.get());
  const py::Ref notes = py::Ref::steal(PyList_New(0));
  if (!notes) return {};

  py::Ref exception;
  if (record.whole != Py_None) {
    exception = unpack(runtime_, record.whole, attachments_);
    drop_error();
    if (exception && !Py_IS_TYPE(exception.get(), type)) exception.reset();
    complete = static_cast<bool>(exception);
  }
  if (!exception) {
    if (PyTuple_CheckExact(record.members)) {
      exception = make_group(record, type);
    } else {
      if (record.constructor != Py_None) exception = make_by_constructor(record, type);
      if (!exception) exception = make_without_init(record, type, notes.get());
    }
    drop_error();
    if (!exception) return {};
    set_state(record, exception.get(), notes.get());
  }
  if (!set_notes(record, exception.get(), notes.get(), complete)) drop_error();
  return exception;
}

py::Ref ExceptionBuilder::find_class(const ExceptionRecord& record) {
  const py::Ref dot = py::Ref::steal(PyUnicode_FromString("."));
  const py::Ref names = dot ? py::Ref::steal(PyUnicode_Split(record.qualname, dot.get(), -1)) : py::Ref();
  if (!names) return {};
  py::Ref object = py::Ref::steal(PyImport_GetModule(record.module));
  if (!object) object = py::Ref::steal(PyImport_Import(record.module));
  // In a worker home's script goes by this name; home need not know it.
  if (!object && PyUnicode_EqualToUTF8(record.module, "__mp_main__") != 0) {
    drop_error();
    object = py::Ref::steal(PyImport_ImportModule("__main__"));
  }
  if (!object) return {};
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names.get()); ++i) {
    object = py::Ref::steal(PyObject_GetAttr(object.get(), PyList_GET_ITEM(names.get(), i)));
    if (!object) return {};
  }
  if (!PyExceptionClass_Check(object.get())) return {};
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
  // Not by the class's own __new__, which may take other arguments.
  const py::Ref args = py::Ref::steal(PyTuple_Pack(2, record.text, members.get()));
  if (!args) return {};
  return py::Ref::steal(reinterpret_cast<PyTypeObject*>(PyExc_BaseExceptionGroup)->tp_new(type, args.get(), nullptr));
}

// As pickle does: the class is called with what its reduction names.
py::Ref ExceptionBuilder::make_by_constructor(const ExceptionRecord& record, PyTypeObject* type) {
  const py::Ref given = unpack(runtime_, record.constructor, attachments_);
  py::Ref exception = given && PyTuple_CheckExact(given.get())
                          ? py::Ref::steal(PyObject_Call(reinterpret_cast<PyObject*>(type), given.get(), nullptr))
                          : py::Ref();
  drop_error();
  if (!exception || !Py_IS_TYPE(exception.get(), type)) return {};
  // An __init__ that is not made to be called with `args` may have left others.
  const py::Ref args = record.args == Py_None ? py::Ref::borrow(given.get()) : unpack(runtime_, record.args, attachments_);
  drop_error();
  if (args && PyTuple_CheckExact(args.get())) PyException_SetArgs(exception.get(), args.get());
  return exception;
}

py::Ref ExceptionBuilder::make_without_init(const ExceptionRecord& record, PyTypeObject* type, PyObject* notes) {
  py::Ref args = unpack(runtime_, record.args == Py_None ? record.constructor : record.args, attachments_);
  drop_error();
  if (!args || !PyTuple_CheckExact(args.get())) {
    const py::Ref note =
        py::Ref::steal(PyUnicode_FromString("args could not be rebuilt here; the message stands in their place"));
    if (!note || PyList_Append(notes, note.get()) < 0) return {};
    args = py::Ref::steal(PyTuple_Pack(1, record.text));
    if (!args) return {};
  }
  py::Ref exception = py::Ref::steal(type->tp_new(type, args.get(), nullptr));
  drop_error();
  if (!exception || !Py_IS_TYPE(exception.get(), type)) {
    PyTypeObject* base = type;
    while ((PyType_GetFlags(base) & Py_TPFLAGS_HEAPTYPE) != 0) base = base->tp_base;
    exception = py::Ref::steal(base->tp_new(type, args.get(), nullptr));
  }
  if (exception) PyException_SetArgs(exception.get(), args.get());
  return exception;
}

// The stand-in for an exception whose class is not to be found here.
py::Ref ExceptionBuilder::make_instead(const ExceptionRecord& record) {
  const py::Ref text = py::Ref::steal(PyUnicode_FromFormat("%U.%U: %U", record.module, record.qualname, record.text));
  if (!text) return {};
  py::Ref exception = py::Ref::steal(PyObject_CallOneArg(runtime_.interpreter_error.get(), text.get()));
  if (exception && !set_notes(record, exception.get(), nullptr, false)) drop_error();
  return exception;
}

void ExceptionBuilder::set_state(const ExceptionRecord& record, PyObject* exception, PyObject* notes) {
  if (record.state == Py_None) return;
  const py::Ref state = unpack(runtime_, record.state, attachments_);
  drop_error();
  if (!state || !PyDict_CheckExact(state.get())) {
    const py::Ref note =
        py::Ref::steal(PyUnicode_FromString("the attributes could not be rebuilt here; they were left out"));
    if (note) PyList_Append(notes, note.get());
    return drop_error();
  }
  const py::Ref done = py::Ref::steal(PyObject_CallMethod(exception, "__setstate__", "O", state.get()));
  if (done) return;
  drop_error();
  const py::Ref attributes = py::Ref::steal(PyObject_GenericGetDict(exception, nullptr));
  if (attributes) PyDict_Update(attributes.get(), state.get());
  drop_error();
}

// Gives the exception its notes and, unless it is complete, those on what was lost.
bool ExceptionBuilder::set_notes(const ExceptionRecord& record, PyObject* exception, PyObject* more, bool complete) {
  const py::Ref notes = py::Ref::steal(PySequence_List(record.notes));
  if (!notes) return false;
  if (!complete && PyList_Extend(notes.get(), record.lost) < 0) return false;
  if (more != nullptr && PyList_Extend(notes.get(), more) < 0) return false;
  if (PyList_GET_SIZE(notes.get()) == 0) return true;
  const py::Ref name = py::Ref::steal(PyUnicode_FromString("__notes__"));
  return name && PyObject_GenericSetAttr(exception, name.get(), notes.get()) == 0;
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
  const py::Ref name = py::Ref::steal(PyUnicode_FromString("__suppress_context__"));
  PyObject* const value = records_[index].suppress_context != 0 ? Py_True : Py_False;
  if (name) PyObject_GenericSetAttr(built_[index].get(), name.get(), value);
  drop_error();
}

// Where the explicit causes end; in a cycle, the last one before it closes.
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
