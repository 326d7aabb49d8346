// See exception_trace.h.
#include "codec/exception_trace.h"

#include <utility>
#include <vector>

#include "codec/exception_parts.h"
#include "codec/exception_type.h"
#include "codec/frame_sources.h"
#include "codec/remote_traceback.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

constexpr char kTextModule[] = "aiointerpreters._traceback_text";

// An attribute of an exception, read as in traceback.py. Returns new; null if there is none, or on an error.
py::Ref read(PyObject* exception, PyObject* name) {
  py::Ref value;
  if (name == nullptr || PyObject_GetOptionalAttr(exception, name, value.out()) < 0) PyErr_Clear();
  return value;
}

bool same_items(PyObject* one, PyObject* other) {
  if (one == other) return true;
  if (!PyTuple_Check(one) || PyTuple_GET_SIZE(one) != PyTuple_GET_SIZE(other)) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(one); ++i) {
    if (PyTuple_GET_ITEM(one, i) != PyTuple_GET_ITEM(other, i)) return false;
  }
  return true;
}

class TraceTaker {
 public:
  TraceTaker(Runtime& runtime, Traced& traced) : names_(runtime.names), traced_(traced) {}

  py::Ref take(PyObject* exception);

 private:
  Py_ssize_t index_of(PyObject* exception);
  // Null, with or without an exception set: the exception misrepresents itself.
  py::Ref describe(PyObject* exception);
  bool read_links(PyObject* exception, Py_ssize_t& cause, Py_ssize_t& context, bool& suppress);
  py::Ref read_frames(PyObject* exception);
  bool add_frame(PyObject* frames, const PyTracebackObject* entry);
  py::Ref read_notes(PyObject* exception);
  py::Ref read_members(PyObject* exception);
  py::Ref read_text(PyObject* exception);
  py::Ref hint(PyObject* exception, PyObject* kind, py::Ref text);

  static bool is_a(PyObject* exception, PyObject* type) {
    return PyObject_TypeCheck(exception, reinterpret_cast<PyTypeObject*>(type)) != 0;
  }

  const Runtime::Names& names_;
  Traced& traced_;
  std::vector<py::Ref> exceptions_;
  std::unordered_map<PyObject*, Py_ssize_t> indices_;
  FrameSources sources_;
};

Py_ssize_t TraceTaker::index_of(PyObject* exception) {
  const auto [found, added] = indices_.try_emplace(exception, static_cast<Py_ssize_t>(exceptions_.size()));
  if (added) exceptions_.push_back(py::Ref::borrow(exception));
  return found->second;
}

py::Ref TraceTaker::take(PyObject* exception) {
  const py::Ref entries = py::Ref::steal(PyList_New(0));
  if (!entries) return {};
  index_of(exception);
  for (std::size_t i = 0; i < exceptions_.size(); ++i) {  // NOLINT(modernize-loop-convert): grows during the loop
    const py::Ref entry = describe(exceptions_[i].get());
    if (!entry || PyList_Append(entries.get(), entry.get()) < 0) return {};
  }
  return py::Ref::steal(PyList_AsTuple(entries.get()));
}

py::Ref TraceTaker::describe(PyObject* exception) {
  // Before 3.14 a chain ends at an exception whose truth value is false.
  if (PyType_HasFeature(Py_TYPE(exception), Py_TPFLAGS_HEAPTYPE) && PyObject_IsTrue(exception) != 1) return {};
  const py::Ref module = py::Ref::steal(PyType_GetModuleName(Py_TYPE(exception)));
  const py::Ref qualname = py::Ref::steal(PyType_GetQualName(Py_TYPE(exception)));
  if (!module || !qualname || !PyUnicode_CheckExact(module.get()) || !PyUnicode_CheckExact(qualname.get())) return {};
  const py::Ref frames = read_frames(exception);
  const py::Ref notes = frames ? read_notes(exception) : py::Ref();
  const py::Ref members = notes ? read_members(exception) : py::Ref();
  Py_ssize_t cause = -1;
  Py_ssize_t context = -1;
  bool suppress = false;
  if (!members || !read_links(exception, cause, context, suppress)) return {};
  const py::Ref syntax = read_syntax(exception);
  const py::Ref text = syntax ? read_text(exception) : py::Ref();
  if (!text) return {};
  return py::Ref::steal(Py_BuildValue("(OOOOOnniOO)", module.get(), qualname.get(), text.get(), frames.get(), notes.get(),
                                      cause, context, suppress ? 1 : 0, members.get(), syntax.get()));
}

// The links that are printed. False: the class shows other links than the exception has, and traceback.py would print
// those.
bool TraceTaker::read_links(PyObject* exception, Py_ssize_t& cause, Py_ssize_t& context, bool& suppress) {
  const py::Ref has_cause = py::Ref::steal(PyException_GetCause(exception));
  const py::Ref has_context = py::Ref::steal(PyException_GetContext(exception));
  const auto shows = [&](const py::Ref& name, const py::Ref& has) {
    return read(exception, name.get()).get() == (has ? has.get() : Py_None);
  };
  if (!shows(names_.cause, has_cause) || !shows(names_.context, has_context)) return false;
  const py::Ref suppresses = read(exception, names_.suppress_context.get());
  if (!suppresses || !PyBool_Check(suppresses.get())) return false;
  suppress = suppresses.get() == Py_True;
  const bool comes_again = has_cause && indices_.contains(has_cause.get());
  if (has_cause) cause = index_of(has_cause.get());
  // A cause that has been printed is not printed again. The context is printed instead.
  if (has_context && !suppress && (!has_cause || comes_again)) context = index_of(has_context.get());
  return true;
}

py::Ref TraceTaker::read_frames(PyObject* exception) {
  const py::Ref traceback = py::Ref::steal(PyException_GetTraceback(exception));
  if (read(exception, names_.traceback.get()).get() != (traceback ? traceback.get() : Py_None)) return {};
  if (!traceback) return py::Ref::steal(PyTuple_New(0));
  PyObject* const limit = PySys_GetObject("tracebacklimit");  // borrowed
  Py_ssize_t left = PY_SSIZE_T_MAX;
  if (limit != nullptr && limit != Py_None) {
    if (!PyLong_CheckExact(limit)) return {};
    left = PyLong_AsSsize_t(limit);
    if (left == -1 && PyErr_Occurred() != nullptr) return {};
  }
  const py::Ref frames = py::Ref::steal(PyList_New(0));
  const PyTracebackObject* entry = reinterpret_cast<PyTracebackObject*>(traceback.get());
  const PyTracebackObject* previous = nullptr;
  Py_ssize_t repeats = 0;
  const auto note_repeats = [&] {
    const py::Ref count = repeats == 0 ? py::Ref() : py::Ref::steal(PyLong_FromSsize_t(repeats));
    return repeats == 0 ||
           (count && PyList_SetItem(frames.get(), PyList_GET_SIZE(frames.get()) - 1, Py_NewRef(count.get())) == 0);
  };
  for (; frames && entry != nullptr && left > 0; entry = entry->tb_next, --left) {
    if (previous != nullptr && previous->tb_lasti == entry->tb_lasti && previous->tb_lineno == entry->tb_lineno &&
        same_code(previous->tb_frame, entry->tb_frame)) {
      ++repeats;
      continue;
    }
    if (!note_repeats() || !add_frame(frames.get(), entry)) return {};
    repeats = 0;
    previous = entry;
  }
  if (!frames || !note_repeats()) return {};
  return py::Ref::steal(PyList_AsTuple(frames.get()));
}

bool TraceTaker::add_frame(PyObject* frames, const PyTracebackObject* entry) {
  FramePlace place;
  if (!read_place(entry, place)) return false;
  const py::Ref source = sources_.find(entry->tb_frame, place);
  if (!source) return false;
  const auto add = [&](PyObject* item) {
    const py::Ref added = py::Ref::steal(item);
    return added && PyList_Append(frames, added.get()) == 0;
  };
  return add(Py_NewRef(place.filename.get())) && add(Py_NewRef(place.name.get())) && add(PyLong_FromLong(place.line)) &&
         add(PyLong_FromLong(place.last_line)) && add(PyLong_FromLong(place.column)) &&
         add(PyLong_FromLong(place.last_column)) && add(Py_NewRef(source.get())) && add(PyLong_FromLong(0));
}

py::Ref TraceTaker::read_notes(PyObject* exception) {
  py::Ref notes;
  if (PyObject_GetOptionalAttr(exception, names_.notes.get(), notes.out()) < 0) return {};
  if (!notes || notes.get() == Py_None) return py::Ref::steal(PyTuple_New(0));
  if (!PyList_CheckExact(notes.get()) && !PyTuple_CheckExact(notes.get())) return {};
  const py::Ref texts = py::Ref::steal(PySequence_List(notes.get()));
  if (!texts) return {};
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(texts.get()); ++i) {
    py::Ref text = exact_text(PyList_GET_ITEM(texts.get(), i), "<note str() failed>");
    if (!text) return {};
    PyList_SetItem(texts.get(), i, text.release());
  }
  return py::Ref::steal(PyList_AsTuple(texts.get()));
}

py::Ref TraceTaker::read_members(PyObject* exception) {
  if (!is_a(exception, PyExc_BaseExceptionGroup)) return py::Ref::borrow(Py_None);
  const py::Ref members = members_of(exception);
  const py::Ref shown = read(exception, names_.exceptions.get());
  if (!members || !shown || !same_items(shown.get(), members.get())) return {};
  py::Ref indices = py::Ref::steal(PyTuple_New(PyTuple_GET_SIZE(members.get())));
  for (Py_ssize_t i = 0; indices && i < PyTuple_GET_SIZE(members.get()); ++i) {
    PyObject* const index = PyLong_FromSsize_t(index_of(PyTuple_GET_ITEM(members.get(), i)));
    if (index == nullptr) return {};
    PyTuple_SET_ITEM(indices.get(), i, index);
  }
  return indices;
}

py::Ref TraceTaker::read_text(PyObject* exception) {
  py::Ref text = exact_text(exception, "<exception str() failed>");
  if (!text) return {};
  traced_.insert_or_assign(exception, py::Ref::borrow(text.get()));
  // These exceptions may have a hint after their text. Finding it needs the objects of this interpreter.
  const auto has = [&](const py::Ref& name) {
    const py::Ref value = read(exception, name.get());
    return value && value.get() != Py_None;
  };
  if (is_a(exception, PyExc_ModuleNotFoundError)) return hint(exception, PyExc_ModuleNotFoundError, std::move(text));
  if (is_a(exception, PyExc_ImportError)) {
    return has(names_.name_from) ? hint(exception, PyExc_ImportError, std::move(text)) : std::move(text);
  }
  if (is_a(exception, PyExc_AttributeError)) {
    return has(names_.name) ? hint(exception, PyExc_AttributeError, std::move(text)) : std::move(text);
  }
  if (is_a(exception, PyExc_NameError) && has(names_.name)) return hint(exception, PyExc_NameError, std::move(text));
  return text;
}

py::Ref TraceTaker::hint(PyObject* exception, PyObject* kind, py::Ref text) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule(kTextModule));
  py::Ref hinted =
      module ? py::Ref::steal(PyObject_CallMethod(module.get(), "add_hint", "OOO", kind, exception, text.get())) : py::Ref();
  PyErr_Clear();
  return hinted && PyUnicode_CheckExact(hinted.get()) ? std::move(hinted) : std::move(text);
}

// The RemoteTraceback of an exception that only passes through: it came from a message and has not been raised since. So
// only the text of that message is printed. Borrowed; null for all other exceptions.
PyObject* passed_on(const Runtime& runtime, PyObject* exception) {
  constexpr int kMost = 100;  // causes may form a cycle
  py::Ref at = py::Ref::borrow(exception);
  for (int i = 0; i < kMost; ++i) {
    const py::Ref frames = py::Ref::steal(PyException_GetTraceback(at.get()));
    if (frames) return nullptr;
    at = py::Ref::steal(PyException_GetCause(at.get()));
    if (!at) return nullptr;
    if (is_remote_traceback(runtime, at.get())) return at.get();  // its exception keeps it alive
  }
  return nullptr;
}

}  // namespace

// Begins with a newline, so that the traceback starts on a line of its own when the text is printed as a message.
py::Ref traceback_text(PyObject* exception) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("traceback"));
  const py::Ref empty = py::Ref::steal(PyUnicode_New(0, 0));
  py::Ref lines = module ? py::Ref::steal(PyObject_CallMethod(module.get(), "format_exception", "O", exception)) : py::Ref();
  PyErr_Clear();
  if (!lines && module) {  // the exception cannot be read, but its frames can
    const py::Ref frames = py::Ref::steal(PyException_GetTraceback(exception));
    const py::Ref text = exact_text(exception, "<exception str() failed>");
    if (frames) lines = py::Ref::steal(PyObject_CallMethod(module.get(), "format_tb", "O", frames.get()));
    PyErr_Clear();
    const py::Ref head = py::Ref::steal(PyUnicode_FromString("Traceback (most recent call last):\n"));
    if (!lines || !head || PyList_Insert(lines.get(), 0, head.get()) < 0) lines = py::Ref::steal(PyList_New(0));
    PyErr_Clear();
    const py::Ref last =
        text ? py::Ref::steal(PyUnicode_FromFormat("%s: %U\n", Py_TYPE(exception)->tp_name, text.get())) : py::Ref();
    if (!lines || !last || PyList_Append(lines.get(), last.get()) < 0) return {};
  }
  const py::Ref text = lines && empty ? py::Ref::steal(PyUnicode_Join(empty.get(), lines.get())) : py::Ref();
  if (text) {
    const Py_ssize_t length = PyUnicode_GET_LENGTH(text.get());
    const bool ends_line = length != 0 && PyUnicode_READ_CHAR(text.get(), length - 1) == '\n';
    const py::Ref trimmed = py::Ref::steal(PyUnicode_Substring(text.get(), 0, ends_line ? length - 1 : length));
    if (trimmed) return py::Ref::steal(PyUnicode_FromFormat("\n%U", trimmed.get()));
  }
  PyErr_Clear();
  const py::Ref said = exact_text(exception, "<exception str() failed>");
  if (!said) return {};
  return py::Ref::steal(
      PyUnicode_FromFormat("\n%s: %U\n(its traceback could not be formatted)", Py_TYPE(exception)->tp_name, said.get()));
}

py::Ref take_trace(Runtime& runtime, PyObject* exception, Traced& traced) {
  if (!intern_exception_names(runtime)) {
    PyErr_Clear();
    return {};
  }
  if (PyObject* const remote = passed_on(runtime, exception)) {
    traced.insert_or_assign(remote, py::Ref());
    return content_of_remote_traceback(remote);
  }
  py::Ref trace = TraceTaker(runtime, traced).take(exception);
  PyErr_Clear();
  return trace;
}

}  // namespace aiointerpreters::codec
