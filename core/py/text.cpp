// See text.h.
#include "py/text.h"

#include "py/ref.h"

namespace aiointerpreters::py {

std::string utf8_of(PyObject* text, const char* errors) {
  char* bytes = nullptr;
  Py_ssize_t size = 0;
  const Ref encoded =
      text != nullptr && PyUnicode_Check(text) ? Ref::steal(PyUnicode_AsEncodedString(text, "utf-8", errors)) : Ref();
  if (!encoded || PyBytes_AsStringAndSize(encoded.get(), &bytes, &size) < 0) return PyErr_Clear(), std::string();
  return {bytes, static_cast<std::size_t>(size)};
}

std::string str_of(PyObject* object) {
  const Ref text = object != nullptr ? Ref::steal(PyObject_Str(object)) : Ref();
  PyErr_Clear();
  return utf8_of(text.get());
}

std::string str_of_attribute(PyObject* object, const char* name) {
  const Ref attribute = Ref::steal(PyObject_GetAttrString(object, name));
  PyErr_Clear();
  return str_of(attribute.get());
}

}  // namespace aiointerpreters::py
