// See home_variables.h.
#include "binding/home_variables.h"

#include <utility>

#include "binding/module.h"
#include "binding/module_state.h"
#include "codec/codec.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

// CPython calls it immediately before the change, with the GIL held until the change is made.
int on_variables_change(PyDict_WatchEvent, PyObject*, PyObject*, PyObject*) {
  py::Ref error = py::take_exception();
  if (ModuleState* const state = find_state()) state->environment.variables().note_change();
  PyErr_Clear();
  py::restore_exception(std::move(error));
  return 0;
}

}  // namespace

bool HomeVariables::watch() {
  if (is_watching_) return true;
  const py::Ref os = py::Ref::steal(PyImport_ImportModule("os"));
  const py::Ref mapping = os ? py::Ref::steal(PyObject_GetAttrString(os.get(), "environ")) : py::Ref();
  if (!mapping) return false;
  py::Ref content = py::Ref::steal(PyObject_GetAttrString(mapping.get(), "_data"));
  if (!content && !py::clear_ordinary_exception()) return false;
  if (is_watching_) return true;  // another thread has done it meanwhile
  is_watching_ = true;
  have_changed_ = true;
  if (!content || !PyDict_CheckExact(content.get())) return true;
  content_ = std::move(content);
  watcher_ = PyDict_AddWatcher(on_variables_change);
  if (watcher_ < 0 || PyDict_Watch(watcher_, content_.get()) < 0) {
    PyErr_Clear();
    stop();
  }
  return true;
}

bool HomeVariables::describe(codec::Runtime& runtime, codec::Message& out) {
  have_changed_ = content_ && watcher_ < 0;
  const bool is_done = codec::encode_value(runtime, content_ ? content_.get() : Py_None, out);
  if (!is_done) have_changed_ = true;
  return is_done;
}

void HomeVariables::stop() noexcept {
  if (watcher_ < 0) return;
  py::Ref error = py::take_exception();
  if (PyDict_ClearWatcher(watcher_) < 0) PyErr_Clear();
  watcher_ = kNone;
  py::restore_exception(std::move(error));
}

}  // namespace aiointerpreters::binding
