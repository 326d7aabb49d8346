// How an exception travels. exception_codec.cpp writes these fields in the worker, and exception_rebuild.cpp reads them at
// home.
//
// The message is one native value, the tuple (trace, (record, ...)). The trace is a tuple as in exception_trace.h, or text.
// The first record is the exception itself. Records name each other by index, so causes and contexts may form cycles and
// chains of any length. Parts that may have any type are packed (message_bytes.h). Requires: attached, for all functions.
// Errors: Python exception set and null returned; std::bad_alloc.
#pragma once

#include <span>

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// A record is a tuple of these.
struct ExceptionRecord {
  PyObject* module;       // str
  PyObject* qualname;     // str
  PyObject* text;         // str(exception), for a group its message; None: the text that BaseException makes from its args
  PyObject* whole;        // packed exception, if only its class knows how to rebuild it; or None
  PyObject* constructor;  // packed arguments for calling the class, if it reduces itself to that; or None
  PyObject* content;      // packed tuple of the parts below: one value, so shared objects stay shared; unpacked if
                          // none of the parts has parts of its own; or None
  PyObject* pieces;       // the parts with each arg and each attribute packed by itself, for when home cannot unpack
                          // content; None where that cannot happen
  PyObject* links;        // tuple of (part, position or name, link): where other exceptions of the message belong
  PyObject* notes;        // tuple of str: __notes__
  PyObject* lost;         // tuple of str: notes about parts that could not cross
  PyObject* members;      // tuple of indices, of a group; or None
  Py_ssize_t cause;       // index, or kNone
  Py_ssize_t context;     // index, or kNone
  int suppress_context;
  PyObject*
      identity;  // bytes: the id of a class that crosses by value (class_identity.h); a tuple with the packed class, if
                 // it derives from such a class and home does not have it; or None

  static constexpr Py_ssize_t kNone = -1;
};

// The parts of an exception: a tuple and three dicts. A link is the index of a record, or a list, tuple or dict of links.
enum ExceptionPart : int {
  kArgs,    // its args
  kState,   // its __dict__ without notes, or the state in its class's reduction
  kFields,  // see read_fields in exception_type.h
  kRest,    // items of its __dict__ that are not in the state; set only if the class leaves them out
  kParts,
};

// For Py_BuildValue (which steals the arguments marked N) and PyArg_ParseTuple.
inline constexpr char kRecordBuildFormat[] = "(OOONNNNNNNNnniO)";
inline constexpr char kRecordParseFormat[] = "UUOOOOOO!O!O!OnniO";

// Packs one value into a message. `root` starts the path in the error, as in encode_value.
[[nodiscard]] py::Ref pack(Runtime& runtime, PyObject* value, const char* root, Message& outer);
[[nodiscard]] py::Ref unpack(Runtime& runtime, PyObject* packed, std::span<const Attachment> attachments);

// Rebuilds the exception from the decoded message. If something cannot be rebuilt, a note says so, or the result is an
// InterpreterError. Returns new; null with an exception set only if there is no memory, or on KeyboardInterrupt. Runs
// Python.
[[nodiscard]] py::Ref rebuild_exception(Runtime& runtime, PyObject* message, std::span<const Attachment> attachments);

}  // namespace aiointerpreters::codec
