// See frame_sources.h.
#include "codec/frame_sources.h"

#include <sys/stat.h>

#include <utility>

#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// Borrowed; null without an exception set.
PyObject* entry_of(PyObject* dict, const char* name) {
  PyObject* const entry = dict != nullptr && PyDict_Check(dict) ? PyDict_GetItemString(dict, name) : nullptr;
  return entry == Py_None ? nullptr : entry;
}

// Whether this interpreter's linecache has lines for that name that come from no file: registered text, or a loader's.
bool is_registered(PyObject* filename) {
  PyObject* const modules = PyImport_GetModuleDict();  // borrowed
  PyObject* const linecache = entry_of(modules, "linecache");
  PyObject* const attributes = linecache != nullptr && PyModule_Check(linecache) ? PyModule_GetDict(linecache) : nullptr;
  PyObject* const cache = entry_of(attributes, "cache");
  py::Ref entry;
  if (cache == nullptr || !PyDict_Check(cache) || PyDict_GetItemRef(cache, filename, entry.out()) != 1) {
    PyErr_Clear();
    return false;
  }
  return PyTuple_Check(entry.get()) && PyTuple_GET_SIZE(entry.get()) > 1 && PyTuple_GET_ITEM(entry.get(), 1) == Py_None;
}

// Whether a loader reads plain files, as those of the import system do.
bool reads_files(PyObject* loader) {
  PyTypeObject* const type = PyType_Check(loader) ? reinterpret_cast<PyTypeObject*>(loader) : Py_TYPE(loader);
  const py::Ref module = py::Ref::steal(PyType_GetModuleName(type));
  if (!module || !PyUnicode_Check(module.get())) {
    PyErr_Clear();
    return false;
  }
  return PyUnicode_EqualToUTF8(module.get(), "_frozen_importlib_external") != 0 ||
         PyUnicode_EqualToUTF8(module.get(), "_frozen_importlib") != 0;
}

bool is_file(PyObject* filename) {
  const py::Ref path = py::Ref::steal(PyUnicode_EncodeFSDefault(filename));
  PyErr_Clear();
  struct stat found;
  return path && stat(PyBytes_AS_STRING(path.get()), &found) == 0;
}

// The lines that linecache finds, or None.
py::Ref read_lines(PyObject* filename, PyObject* globals) {
  const py::Ref linecache = py::Ref::steal(PyImport_ImportModule("linecache"));
  const py::Ref checked =
      linecache ? py::Ref::steal(PyObject_CallMethod(linecache.get(), "checkcache", "O", filename)) : py::Ref();
  py::Ref lines =
      checked ? py::Ref::steal(PyObject_CallMethod(linecache.get(), "getlines", "OO", filename, globals)) : py::Ref();
  PyErr_Clear();
  return lines && PyList_Check(lines.get()) && PyList_GET_SIZE(lines.get()) != 0 ? std::move(lines)
                                                                                 : py::Ref::borrow(Py_None);
}

}  // namespace

bool same_code(PyFrameObject* one, PyFrameObject* other) noexcept {
  const py::Ref code = py::Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(one)));
  const py::Ref other_code = py::Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(other)));
  return code.get() == other_code.get();
}

bool read_place(const PyTracebackObject* entry, FramePlace& place) {
  const py::Ref owned = py::Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(entry->tb_frame)));
  auto* const code = reinterpret_cast<PyCodeObject*>(owned.get());
  const Py_ssize_t bytes = Py_SIZE(code) * 2;  // two bytes for each instruction
  if (entry->tb_lasti >= bytes) return false;
  place.filename = py::Ref::borrow(code->co_filename);
  place.name = py::Ref::borrow(code->co_name);
  if (!PyUnicode_CheckExact(place.filename.get()) || !PyUnicode_CheckExact(place.name.get())) return false;
  if (entry->tb_lasti >= 0 &&
      PyCode_Addr2Location(code, entry->tb_lasti, &place.line, &place.column, &place.last_line, &place.last_column) == 0) {
    return false;
  }
  if (place.line < 0) place.line = entry->tb_lineno >= 0 ? entry->tb_lineno : PyCode_Addr2Line(code, entry->tb_lasti);
  return true;
}

py::Ref FrameSources::find(PyFrameObject* frame, const FramePlace& place) {
  PyObject* lines = nullptr;
  for (const File& file : files_) {
    if (file.name.get() == place.filename.get()) lines = file.lines.get();
  }
  if (lines == nullptr) {
    files_.push_back({py::Ref::borrow(place.filename.get()), lines_of(frame, place.filename.get())});
    lines = files_.back().lines.get();
  }
  if (lines == nullptr || lines == Py_None) return py::Ref::borrow(lines);
  const py::Ref source = py::Ref::steal(PyList_New(0));
  const int last = place.last_line < place.line ? place.line : place.last_line;
  for (int line = place.line; source && line <= last; ++line) {
    const bool is_there = line >= 1 && line <= PyList_GET_SIZE(lines);
    const py::Ref text = is_there ? py::Ref::borrow(PyList_GET_ITEM(lines, line - 1)) : py::Ref::steal(PyUnicode_New(0, 0));
    const py::Ref stripped = text ? py::Ref::steal(PyObject_CallMethod(text.get(), "rstrip", nullptr)) : py::Ref();
    if (!stripped || PyList_Append(source.get(), stripped.get()) < 0) return {};
  }
  const py::Ref end = py::Ref::steal(PyUnicode_FromString("\n"));
  const py::Ref joined = source && end ? py::Ref::steal(PyUnicode_Join(end.get(), source.get())) : py::Ref();
  return joined ? py::Ref::steal(PyUnicode_Concat(joined.get(), end.get())) : py::Ref();
}

py::Ref FrameSources::lines_of(PyFrameObject* frame, PyObject* filename) {
  const py::Ref globals = py::Ref::steal(PyFrame_GetGlobals(frame));
  if (!is_registered(filename)) {
    PyObject* const spec = entry_of(globals.get(), "__spec__");
    PyObject* const loader = entry_of(globals.get(), "__loader__");
    if ((spec == nullptr && loader == nullptr) || (loader != nullptr && reads_files(loader)) || is_file(filename)) {
      return py::Ref::borrow(Py_None);
    }
  }
  return read_lines(filename, globals.get());
}

}  // namespace aiointerpreters::codec
