// See home_variables.h.
#include "binding/home_variables.h"

#include <utility>
#include <vector>

#include "binding/module_state.h"
#include "codec/codec.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

void note_variables_change(ModuleState& home, PyDict_WatchEvent, PyObject*) { home.environment.variables().note_change(); }

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
  std::vector<py::Ref> watched;
  watched.push_back(py::Ref::borrow(content_.get()));
  static_cast<void>(content_watch_.start<note_variables_change>(std::move(watched)));
  return true;
}

bool HomeVariables::describe(codec::Runtime& runtime, codec::Message& out) {
  have_changed_ = content_ && !content_watch_.is_on();
  const bool is_done = codec::encode_value(runtime, content_ ? content_.get() : Py_None, out);
  if (!is_done) have_changed_ = true;
  return is_done;
}

}  // namespace aiointerpreters::binding
