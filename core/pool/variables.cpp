// See variables.h.
#include "pool/variables.h"

#include "codec/codec.h"
#include "py/error.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::pool {

namespace {

// The dict with the content of this interpreter's `os.environ`. Null without an exception: other code has replaced it.
py::Ref own_variables() {
  const py::Ref os = py::Ref::steal(PyImport_ImportModule("os"));
  const py::Ref mapping = os ? py::Ref::steal(PyObject_GetAttrString(os.get(), "environ")) : py::Ref();
  py::Ref content = mapping ? py::Ref::steal(PyObject_GetAttrString(mapping.get(), "_data")) : py::Ref();
  if (content && !PyDict_CheckExact(content.get())) content.reset();
  if (PyErr_Occurred() != nullptr) static_cast<void>(py::clear_ordinary_exception());
  return content;
}

// Deletes the keys of `before` that `newer` does not have.
bool delete_missing(PyObject* mine, PyObject* before, PyObject* newer) {
  PyObject* key = nullptr;
  Py_ssize_t position = 0;
  while (PyDict_Next(before, &position, &key, nullptr) != 0) {
    const int stays = PyDict_Contains(newer, key);
    const int has = stays == 0 ? PyDict_Contains(mine, key) : 0;
    if (stays < 0 || has < 0 || (has > 0 && PyDict_DelItem(mine, key) < 0)) return false;
  }
  return true;
}

// Sets the items of `newer` that `before` does not have.
bool set_changed(PyObject* mine, PyObject* before, PyObject* newer) {
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  while (PyDict_Next(newer, &position, &key, &value) != 0) {
    PyObject* const old = PyDict_GetItemWithError(before, key);  // borrowed
    if (old == nullptr && PyErr_Occurred() != nullptr) return false;
    const int is_same = old != nullptr ? PyObject_RichCompareBool(old, value, Py_EQ) : 0;
    if (is_same < 0 || (is_same == 0 && PyDict_SetItem(mine, key, value) < 0)) return false;
  }
  return true;
}

}  // namespace

bool follow_variables(codec::Runtime& runtime, const EnvironmentPtr& before, const Environment& newer) {
  const py::Ref mine = own_variables();
  if (!mine) return PyErr_Occurred() == nullptr;
  const py::Ref next = codec::decode_value(runtime, newer.variables);
  if (!next || !PyDict_CheckExact(next.get())) return static_cast<bool>(next);
  const bool is_first = !before || before->variables.form == codec::Message::Form::kEmpty;
  const py::Ref last = is_first ? py::Ref::steal(PyDict_Copy(mine.get())) : codec::decode_value(runtime, before->variables);
  if (!last || !PyDict_CheckExact(last.get())) return static_cast<bool>(last);
  return delete_missing(mine.get(), last.get(), next.get()) && set_changed(mine.get(), last.get(), next.get());
}

}  // namespace aiointerpreters::pool
