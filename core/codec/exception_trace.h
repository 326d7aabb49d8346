// Everything that is printed of an exception, as plain data: type, text, notes and frames, of the exception and of all
// exceptions that are printed with it. The worker creates it (exception_trace.cpp). Home produces the text from it when the
// text is first needed (remote_traceback.h, src/aiointerpreters/_traceback_text.py). It refers to no frame, code object or
// variable.
//
// Requires: attached, for all functions. Runs Python: __str__ of exceptions and notes. Errors: std::bad_alloc.
#pragma once

#include <unordered_map>

#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// The fields of an entry, a tuple. A trace is a tuple of entries that name each other by index; the first one is the
// exception itself.
enum TraceField : int {
  kTraceModule,    // str, of the type
  kTraceQualname,  // str
  kTraceText,      // str(exception), followed by the hint (`Did you mean`)
  kTraceFrames,    // tuple with kFrameItems items for each frame, outermost first
  kTraceNotes,     // tuple of str
  kTraceCause,     // index, or -1
  kTraceContext,   // index, or -1
  kTraceSuppress,  // 1: __suppress_context__
  kTraceMembers,   // tuple of indices, of a group; or None
  kTraceSyntax,    // of a SyntaxError: filename, lineno, end_lineno, text, offset, end_offset, msg, _metadata; or None
  kTraceFields,
};

// The items for a frame: file name, function name, line, last line, column, last column (in bytes; -1: not known); the
// source, or None if home reads the source from the file; how often this frame is repeated directly after.
inline constexpr Py_ssize_t kFrameItems = 8;

// The exceptions in a trace, and their texts.
using Traced = std::unordered_map<PyObject*, py::Ref>;

// Returns new. Null, without an exception set: an exception of the chain misrepresents itself, so only the module
// `traceback` knows what to print. `traced` is filled, with borrowed exceptions.
[[nodiscard]] py::Ref take_trace(Runtime& runtime, PyObject* exception, Traced& traced);

// The whole text, as it is printed: for exceptions that take_trace refuses. Returns new; null only if there is no memory.
[[nodiscard]] py::Ref traceback_text(PyObject* exception);

}  // namespace aiointerpreters::codec
