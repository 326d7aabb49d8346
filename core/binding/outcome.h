// The outcome of a task as objects of home: decoded from its message when it is first requested.
// Requires: attached to home, for every function here.
#pragma once

#include "binding/module_state.h"
#include "pool/task.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

struct Decoded {
  py::Ref object;  // the result or the exception
  bool failed = false;
};

// Whether the outcome of a finished task, which is not decoded yet, is an exception.
[[nodiscard]] bool has_failed(const pool::Task& task) noexcept;

// Whether decoding that outcome may run code of users or libraries, so that its context matters.
[[nodiscard]] bool decodes_by_python(const pool::Task& task) noexcept;

// Decodes that outcome; an error in decoding becomes the exception. Runs Python. Errors: null object with KeyboardInterrupt
// or TaskInterrupted set; the outcome is still available.
[[nodiscard]] Decoded decode_outcome(ModuleState& home, const pool::Task& task);

// The exception of tasks that a broken pool cannot run. Returns new; null with an exception set. Runs Python.
[[nodiscard]] py::Ref broken_pool_exception(ModuleState& home, const pool::Breakage& breakage);

}  // namespace aiointerpreters::binding
