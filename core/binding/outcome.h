// The outcome of a task as an object of home. It is decoded from the message when it is first requested.
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

// Whether the outcome of a finished task is an exception. Requires: it is not decoded yet.
[[nodiscard]] bool has_failed(const pool::Task& task) noexcept;

// Whether decoding that outcome may run code of users or libraries. Then the context matters.
[[nodiscard]] bool decodes_by_python(const pool::Task& task) noexcept;

// Handles what workers have said before that end, and decodes the outcome. If decoding fails, the error becomes the
// exception. Runs Python. Errors: null object with KeyboardInterrupt or TaskInterrupted set; the outcome can still be
// decoded then.
[[nodiscard]] Decoded decode_outcome(ModuleState& home, const pool::Task& task);

// The exception for tasks that a broken pool cannot run. Returns new; null with an exception set. Runs Python.
[[nodiscard]] py::Ref broken_pool_exception(ModuleState& home, const pool::Breakage& breakage);

}  // namespace aiointerpreters::binding
