// See home_environment.h.
#include "binding/home_environment.h"

#include <utility>

#include "codec/codec.h"

namespace aiointerpreters::binding {

bool HomeEnvironment::refresh(codec::Runtime& runtime) {
  if (current_ && unchanged()) return true;
  auto next = std::make_shared<pool::Environment>();
  next->version = current_ ? current_->version + 1 : 1;
  std::vector<py::Ref> entries;
  if (!describe_main(runtime, *next) || !describe_path(runtime, *next, entries)) return false;
  entries_ = std::move(entries);
  current_ = std::move(next);
  return true;
}

PyObject* HomeEnvironment::main_module() {
  return PyDict_GetItemWithError(PyImport_GetModuleDict(), main_name_.get());  // borrowed
}

bool HomeEnvironment::unchanged() {
  if (main_module() != main_.get()) return false;
  PyObject* path = PyDict_GetItemWithError(sys_dict_.get(), path_name_.get());  // borrowed; no Python runs here
  if (path == nullptr || !PyList_Check(path)) return PyErr_Clear(), entries_.empty();
  const auto size = static_cast<std::size_t>(PyList_GET_SIZE(path));
  if (size != entries_.size()) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (PyList_GET_ITEM(path, static_cast<Py_ssize_t>(i)) != entries_[i].get()) return false;
  }
  return true;
}

bool HomeEnvironment::describe_path(codec::Runtime& runtime, pool::Environment& environment, std::vector<py::Ref>& entries) {
  if (!sys_dict_) {
    py::Ref sys = py::Ref::steal(PyImport_ImportModule("sys"));
    path_name_ = py::Ref::steal(PyUnicode_InternFromString("path"));
    if (!sys || !path_name_) return false;
    sys_dict_ = py::Ref::borrow(PyModule_GetDict(sys.get()));
  }
  py::Ref texts = py::Ref::steal(PyList_New(0));
  if (!texts) return false;
  PyObject* path = PyDict_GetItemWithError(sys_dict_.get(), path_name_.get());  // borrowed
  if (path != nullptr && PyList_Check(path)) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(path); ++i) {
      PyObject* entry = PyList_GET_ITEM(path, i);
      entries.push_back(py::Ref::borrow(entry));
      // The import system ignores what is neither str nor bytes, and so do we; bytes are too rare to follow.
      if (PyUnicode_CheckExact(entry) && PyList_Append(texts.get(), entry) < 0) return false;
    }
  }
  return codec::encode_value(runtime, texts.get(), environment.sys_path);
}

bool HomeEnvironment::describe_main(codec::Runtime& runtime, pool::Environment& environment) {
  if (!main_name_) main_name_ = py::Ref::steal(PyUnicode_InternFromString("__main__"));
  if (!main_name_) return false;
  main_ = py::Ref::borrow(main_module());
  py::Ref script = py::Ref::steal(PyImport_ImportModule("aiointerpreters._script"));
  py::Ref found = script ? py::Ref::steal(PyObject_CallMethod(script.get(), "describe", nullptr)) : py::Ref();
  if (!found) return false;
  runtime.main_is_nowhere = found.get() == Py_None;
  if (runtime.main_is_nowhere) return true;
  int is_module = 0;
  PyObject* name = nullptr;  // borrowed from `found`
  if (!PyArg_ParseTuple(found.get(), "pU", &is_module, &name)) return false;
  environment.main = is_module != 0 ? pool::Environment::Main::kModule : pool::Environment::Main::kPath;
  return codec::encode_value(runtime, name, environment.main_name);
}

}  // namespace aiointerpreters::binding
