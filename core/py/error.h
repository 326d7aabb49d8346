// Errors at the boundary between C++ and Python.
// Requires: attached.
#pragma once

#include <exception>
#include <new>
#include <string>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

// Runs the body of a slot or method and turns a C++ exception into a Python one; the slot then returns `failed`. It catches
// C++ exceptions but not `...`: a thread that CPython unwinds must be able to leave (hazard 11).
template <typename Result, typename Body>
Result guarded(Result failed, Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_SystemError, error.what());
  }
  return failed;
}

// Whether the exception that is set belongs to what was tried: it is an Exception (not KeyboardInterrupt, for example), and
// not MemoryError. Requires: an exception is set.
[[nodiscard]] inline bool is_ordinary_exception() noexcept {
  return PyErr_ExceptionMatches(PyExc_Exception) != 0 && PyErr_ExceptionMatches(PyExc_MemoryError) == 0;
}

// Clears the exception that is set, if it is ordinary. For code that has another way to try. Returns whether no exception is
// set now.
[[nodiscard]] inline bool clear_ordinary_exception() noexcept {
  if (PyErr_Occurred() == nullptr) return true;
  if (!is_ordinary_exception()) return false;
  PyErr_Clear();
  return true;
}

// Takes the exception that is set, with its traceback; null if none is set.
[[nodiscard]] inline Ref take_exception() noexcept { return Ref::steal(PyErr_GetRaisedException()); }
inline void restore_exception(Ref exception) noexcept { PyErr_SetRaisedException(exception.release()); }

// Takes the exception that is set as text: "Type: message". Runs Python: its __str__. Errors: std::bad_alloc.
[[nodiscard]] std::string take_error_text();

// Raises `type("text: the text of the exception that is set")`. The replaced exception becomes its __cause__. MemoryError
// stays as it is, because callers expect that type, and a longer text would take memory.
void raise_from_current(PyObject* type, const char* text);

}  // namespace aiointerpreters::py
