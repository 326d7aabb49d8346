// See qualified_name.h.
#include "codec/qualified_name.h"

#include <utility>

namespace aiointerpreters::codec {

py::Ref follow(py::Ref object, std::string_view qualname) {
  while (object) {
    const std::size_t dot = qualname.find('.');
    const std::string_view part = qualname.substr(0, dot);
    py::Ref name = py::Ref::steal(PyUnicode_DecodeUTF8(part.data(), static_cast<Py_ssize_t>(part.size()), nullptr));
    object = name ? py::Ref::steal(PyObject_GetAttr(object.get(), name.get())) : py::Ref();
    if (dot == std::string_view::npos) break;
    qualname.remove_prefix(dot + 1);
  }
  return object;
}

py::Ref without_tag(const Runtime& runtime, py::Ref callable) {
  if (!callable || PyObject_TypeCheck(callable.get(), reinterpret_cast<PyTypeObject*>(runtime.tag_type.get())) == 0)
    return callable;
  return py::Ref::steal(PyObject_GetAttrString(callable.get(), "fn"));
}

bool leads_to_method(const Runtime& runtime, PyObject* method) {
  PyObject* const function = PyMethod_GET_FUNCTION(method);
  PyObject* const self = PyMethod_GET_SELF(method);
  const py::Ref name = py::Ref::steal(PyObject_GetAttrString(function, "__name__"));
  py::Ref found = name ? py::Ref::steal(PyObject_GetAttr(self, name.get())) : py::Ref();
  if (found) found = without_tag(runtime, std::move(found));
  PyErr_Clear();
  return found && PyMethod_Check(found.get()) && PyMethod_GET_FUNCTION(found.get()) == function &&
         PyMethod_GET_SELF(found.get()) == self;
}

}  // namespace aiointerpreters::codec
