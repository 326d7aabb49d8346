// See import_watch.h.
#include "pool/import_watch.h"

#include <array>

#include "py/error.h"
#include "py/method.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::pool {

namespace {

constexpr std::array kWatched{"logging", "warnings"};

py::Ref words_module() { return py::Ref::steal(PyImport_ImportModule("aiointerpreters._words_worker")); }

PyObject* find_watched_spec(PyObject*, PyObject* args, PyObject* kwargs) {
  PyObject* const name = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : nullptr;
  if (name == nullptr || !PyUnicode_Check(name)) Py_RETURN_NONE;
  for (const char* const watched : kWatched) {
    if (PyUnicode_EqualToUTF8(name, watched) == 0) continue;
    const py::Ref words = words_module();
    const py::Ref find = words ? py::Ref::steal(PyObject_GetAttrString(words.get(), "find_spec")) : py::Ref();
    return find ? PyObject_Call(find.get(), args, kwargs) : nullptr;
  }
  Py_RETURN_NONE;
}

PyMethodDef kFindSpec = {"find_spec", py::as_method(find_watched_spec), METH_VARARGS | METH_KEYWORDS, nullptr};

// An object with the attributes of a finder. Its type is that of sys.implementation, types.SimpleNamespace.
py::Ref make_finder() {
  PyObject* const example = PySys_GetObject("implementation");  // borrowed
  const py::Ref find = py::Ref::steal(PyCFunction_New(&kFindSpec, nullptr));
  const py::Ref none = py::Ref::steal(PyTuple_New(0));
  const py::Ref attributes =
      find ? py::Ref::steal(Py_BuildValue("{sOsO}", "find_spec", find.get(), "watches_words", Py_True)) : py::Ref();
  if (example == nullptr || !none || !attributes) return {};
  return py::Ref::steal(PyObject_Call(reinterpret_cast<PyObject*>(Py_TYPE(example)), none.get(), attributes.get()));
}

}  // namespace

bool watch_imports() {
  PyObject* const finders = PySys_GetObject("meta_path");  // borrowed
  const py::Ref finder = make_finder();
  if (!finder || finders == nullptr || !PyList_Check(finders)) return PyErr_Occurred() == nullptr;
  if (PyList_Insert(finders, 0, finder.get()) < 0) return false;
  for (const char* const watched : kWatched) {
    PyObject* const module = PyDict_GetItemString(PyImport_GetModuleDict(), watched);  // borrowed
    if (module == nullptr) continue;
    const py::Ref words = words_module();
    if (!words || !py::Ref::steal(PyObject_CallMethod(words.get(), "install", "sO", watched, module))) return false;
  }
  return true;
}

bool forward_output() {
  const py::Ref words = words_module();
  return words && py::Ref::steal(PyObject_CallMethod(words.get(), "forward_output", nullptr));
}

}  // namespace aiointerpreters::pool
