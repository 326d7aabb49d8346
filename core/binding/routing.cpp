// See routing.h.
#include "binding/routing.h"

#include <initializer_list>

namespace aiointerpreters::binding {

namespace {

// The index of the text among `names`, or -1 with an exception set. None: 0.
int index_of(PyObject* value, const char* argument, std::initializer_list<const char*> names) {
  if (value == nullptr || value == Py_None) return 0;
  int index = 0;
  for (const char* const name : names) {
    ++index;
    if (PyUnicode_Check(value) && PyUnicode_EqualToUTF8(value, name)) return index;
  }
  const bool is_text = PyUnicode_Check(value);
  const char* const choices = names.size() == 3 ? "'error', 'thread', 'process'" : "'interpreter', 'process'";
  PyErr_Format(is_text ? PyExc_ValueError : PyExc_TypeError, "%s must be %s or None, not %R", argument, choices, value);
  return -1;
}

}  // namespace

bool read_fallback(PyObject* value, Fallback& fallback) {
  const int index = index_of(value, "fallback", {"error", "thread", "process"});
  if (index >= 0) fallback = static_cast<Fallback>(index);
  return index >= 0;
}

bool read_lane(PyObject* value, bool& in_process) {
  const int index = index_of(value, "lane", {"interpreter", "process"});
  in_process = index == 2;
  return index >= 0;
}

const char* fallback_name(Fallback fallback) noexcept {
  switch (fallback) {
    case Fallback::kError:
      return "error";
    case Fallback::kThread:
      return "thread";
    case Fallback::kProcess:
      return "process";
    case Fallback::kUnset:
      break;
  }
  return nullptr;
}

}  // namespace aiointerpreters::binding
