// See home_environment.h.
#include "binding/home_environment.h"

#include <string_view>
#include <utility>

#include "codec/codec.h"
#include "codec/text.h"

namespace aiointerpreters::binding {

bool HomeEnvironment::refresh(codec::Runtime& runtime) {
  if (!find_names() || !variables_.watch()) return false;
  for (;;) {
    if (settings_.have_changed() && !settings_.read()) return false;
    const bool is_known = is_main_known();
    if (current_ && is_known && is_path_known() && !variables_.have_changed() && !settings_.is_news()) return true;
    if (is_known) return publish(runtime);
    const pool::EnvironmentPtr before = current_;
    Main main;  // at the end it has the old state, which is dropped after everything is published
    if (!describe_main(main)) return false;
    // Python has run meanwhile. If another thread has published another `__main__`, the current state is read again.
    if (current_ != before) continue;
    std::swap(main_, main);
    return publish(runtime);
  }
}

bool HomeEnvironment::find_names() {
  if (sys_dict_) return true;
  const py::Ref sys = py::Ref::steal(PyImport_ImportModule("sys"));
  py::Ref main_name = py::Ref::steal(PyUnicode_InternFromString("__main__"));
  py::Ref path_name = py::Ref::steal(PyUnicode_InternFromString("path"));
  if (!sys || !main_name || !path_name) return false;
  main_name_ = std::move(main_name);
  path_name_ = std::move(path_name);
  sys_dict_ = py::Ref::borrow(PyModule_GetDict(sys.get()));
  return true;
}

PyObject* HomeEnvironment::main_module() {
  PyObject* const module = PyDict_GetItemWithError(PyImport_GetModuleDict(), main_name_.get());  // borrowed
  PyErr_Clear();
  return module;
}

bool HomeEnvironment::is_path_known() {
  PyObject* path = PyDict_GetItemWithError(sys_dict_.get(), path_name_.get());  // borrowed; no Python runs here
  if (path == nullptr || !PyList_Check(path)) return PyErr_Clear(), entries_.empty();
  const auto size = static_cast<std::size_t>(PyList_GET_SIZE(path));
  if (size != entries_.size()) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (PyList_GET_ITEM(path, static_cast<Py_ssize_t>(i)) != entries_[i].get()) return false;
  }
  return true;
}

bool HomeEnvironment::describe_main(Main& main) {
  PyObject* const module = main_module();
  main.module = module == nullptr ? py::Ref() : py::Ref::borrow(module);
  const py::Ref script = py::Ref::steal(PyImport_ImportModule("aiointerpreters._script"));
  const py::Ref found =
      script ? py::Ref::steal(PyObject_CallMethod(script.get(), "describe", "O", module == nullptr ? Py_None : module))
             : py::Ref();
  if (!found) return false;
  main.is_known = true;
  main.is_nowhere = found.get() == Py_None;
  if (main.is_nowhere) return true;
  int is_module = 0;
  PyObject* name = nullptr;  // borrowed from `found`
  if (!PyArg_ParseTuple(found.get(), "pU", &is_module, &name)) return false;
  main.kind = is_module != 0 ? pool::Environment::Main::kModule : pool::Environment::Main::kPath;
  main.name = py::Ref::borrow(name);
  return true;
}

bool HomeEnvironment::publish(codec::Runtime& runtime) {
  auto next = std::make_shared<pool::Environment>();
  const py::Ref texts = py::Ref::steal(PyList_New(0));
  if (!texts) return false;
  std::vector<py::Ref> entries;
  PyObject* path = PyDict_GetItemWithError(sys_dict_.get(), path_name_.get());  // borrowed
  if (path != nullptr && PyList_Check(path)) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(path); ++i) {
      PyObject* entry = PyList_GET_ITEM(path, i);
      entries.push_back(py::Ref::borrow(entry));
      // Like the import system, this ignores entries that are neither str nor bytes. bytes are too rare to be supported.
      if (PyUnicode_CheckExact(entry) && PyList_Append(texts.get(), entry) < 0) return false;
    }
  }
  next->main = main_.kind;
  if (!codec::encode_value(runtime, texts.get(), next->sys_path)) return false;
  if (main_.name && !codec::encode_value(runtime, main_.name.get(), next->main_name)) return false;
  if (!variables_.describe(runtime, next->variables)) return false;
  if (!settings_.describe(runtime, next->settings)) return false;
  runtime.main_is_nowhere = main_.is_nowhere;
  const bool is_path = main_.kind == pool::Environment::Main::kPath;
  const std::string_view file = is_path ? codec::utf8_view(main_.name.get()) : std::string_view();
  runtime.main_file = file.ends_with(".py") ? file : std::string_view();
  next->version = current_ ? current_->version + 1 : 1;
  current_ = std::move(next);
  entries_.swap(entries);  // dropping the old ones may run Python
  return true;
}

}  // namespace aiointerpreters::binding
