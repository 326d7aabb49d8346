// What crosses by value with cloudpickle, the package's one run-time dependency, imported on first need only: functions that
// no name leads back to (lambdas, closures, nested ones, what was typed), and the classes of a `__main__` without a script.
// Requires: attached. Runs Python. Errors: a Python exception set.
#pragma once

#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

struct Pickle {
  py::Ref bytes;  // null: failed
  bool needs_main = false;
};

// What no name leads back to is in it by value.
[[nodiscard]] Pickle pickle_by_value(PyObject* value);
// Makes a callable that no name leads back to the content of an empty message: functions by value, others as pickle gives
// them. Errors: false with NotTransferableError that names the path to what cannot cross, which starts with `function`, or
// with what says nothing about the value (RecursionError, MemoryError).
[[nodiscard]] bool pickle_callable(Runtime& runtime, PyObject* callable, Message& out);

}  // namespace aiointerpreters::codec
