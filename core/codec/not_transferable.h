// Explains why a value cannot cross: finds the smallest part of it that pickle refuses, and raises NotTransferableError
// with its path.
//
// Requires: attached to the runtime's interpreter; the exception that pickling raised is set. Runs Python: it pickles parts
// again. Afterwards NotTransferableError is set, with that exception as its __cause__. If the exception says nothing about
// the value, it stays set instead: RecursionError, MemoryError, the error of a container that changed its size, or one that
// is not an Exception. The cost is bounded: each level costs a few times as much as pickling it, and the path ends after a
// fixed number of levels. Errors: std::bad_alloc.
#pragma once

#include "codec/runtime.h"
#include "py/python.h"

namespace aiointerpreters::codec {

// `root` is the start of the path.
void explain_value(Runtime& runtime, PyObject* value, const char* root);
void explain_call(Runtime& runtime, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);

}  // namespace aiointerpreters::codec
