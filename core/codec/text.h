// Python text in C++.
// Requires: attached. No Python runs.
#pragma once

#include <string_view>

#include "py/python.h"

namespace aiointerpreters::codec {

// A str as UTF-8; the str owns the text. `data` is null, with no exception set, if the str is null or has a lone surrogate,
// or if there is no memory.
[[nodiscard]] inline std::string_view utf8_view(PyObject* str) {
  Py_ssize_t size = 0;
  const char* const text = str == nullptr ? nullptr : PyUnicode_AsUTF8AndSize(str, &size);
  if (text == nullptr) return PyErr_Clear(), std::string_view();
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace aiointerpreters::codec
