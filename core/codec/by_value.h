// What crosses by value with cloudpickle, the package's one run-time dependency, imported on first need only: functions that
// no name leads back to (lambdas, closures, nested ones, what was typed), and the classes of a `__main__` without a script.
// Requires: attached. Runs Python. Errors: false with a Python exception set.
#pragma once

#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"

namespace aiointerpreters::codec {

// Makes the pickle of `value` the content of an empty message, functions and classes of `__main__` by value.
[[nodiscard]] bool pickle_by_value(PyObject* value, Message& out);
// A callable that no name leads back to: functions by value, others as pickle gives them. Errors: NotTransferableError that
// names the path to what cannot cross, which starts with `function`; RecursionError; MemoryError.
[[nodiscard]] bool pickle_callable(Runtime& runtime, PyObject* callable, Message& out);

}  // namespace aiointerpreters::codec
