// Pickle, for what the native format does not know: CPython's C pickler with protocol 5.
// Requires: attached to the runtime's interpreter. Runs Python: importing, and what __reduce_ex__ and constructors do.
// Errors: Python exception set and null or false returned, whatever pickling raises unchanged; std::bad_alloc.
#pragma once

#include "codec/by_value.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// The functions `dumps` and `loads` of `_pickle`, imported on first need. Return borrowed from the runtime.
[[nodiscard]] PyObject* pickle_dumps(Runtime& runtime);
[[nodiscard]] PyObject* pickle_loads(Runtime& runtime);

// The pickle of a value; what no name leads back to is in it by value (by_value.h).
[[nodiscard]] Pickle pickle(Runtime& runtime, PyObject* value);
// Makes it the content of an empty message; false if there is none.
[[nodiscard]] bool fill_message(const Pickle& pickled, Message& out);
// Makes the pickle of a value the content of an empty message.
[[nodiscard]] bool pickle_message(Runtime& runtime, PyObject* value, Message& out);
// Requires: form kPickled. Returns new.
[[nodiscard]] py::Ref unpickle_message(Runtime& runtime, const Message& message);

}  // namespace aiointerpreters::codec
