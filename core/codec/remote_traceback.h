// RemoteTraceback: the type of the innermost cause of an exception that came from a worker. str(), repr(), args and
// pickling show the worker's traceback as text. The text is produced from a trace (exception_trace.h) when one of them is
// first used. Source lines are read at that moment.
// Requires: attached, for all functions.
#pragma once

#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Makes the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_remote_traceback_type(PyObject* module);

[[nodiscard]] inline bool is_remote_traceback(const Runtime& runtime, PyObject* exception) noexcept {
  return Py_IS_TYPE(exception, reinterpret_cast<PyTypeObject*>(runtime.remote_traceback.get()));
}

// `content`: a trace, or the text as a str. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_remote_traceback(const Runtime& runtime, PyObject* content);
// The data for creating it again: the trace, or its text. Requires: it is a RemoteTraceback. Returns new; null if it is
// empty.
[[nodiscard]] py::Ref content_of_remote_traceback(PyObject* exception);
// Produces its text now, if it does not exist yet. Requires: it is a RemoteTraceback. Runs Python. Errors: false with an
// exception set.
[[nodiscard]] bool settle_remote_traceback(PyObject* exception);

}  // namespace aiointerpreters::codec
