// Everything that is printed of an exception, as plain data: the type, the text, the notes and the frames of the exception
// and of all exceptions that its chain shows. The worker makes it (exception_trace.cpp). Home makes the text from it when
// the text is first needed (remote_traceback.h, src/aiointerpreters/_traceback_text.py). Nothing in it refers to a frame, a
// code object or a variable.
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

// For a frame: file name, name of the function, line, last line, column, last column (in bytes; -1: not known); the source,
// or None if home reads it by the file's name; how often this frame is repeated directly after.
inline constexpr Py_ssize_t kFrameItems = 8;

// The exceptions in a trace, and their texts.
using Traced = std::unordered_map<PyObject*, py::Ref>;

// Returns new. Null, without an exception set, if an exception of the chain misrepresents itself, so that only the module
// `traceback` knows what to print. `traced`: filled; borrows the exceptions.
[[nodiscard]] py::Ref take_trace(Runtime& runtime, PyObject* exception, Traced& traced);

// The whole text, made immediately, as it is printed: for exceptions that take_trace refuses. Returns new; null only without
// memory.
[[nodiscard]] py::Ref traceback_text(PyObject* exception);

}  // namespace aiointerpreters::codec
