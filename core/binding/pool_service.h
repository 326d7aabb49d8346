// Pool service: what the methods of an executor do for its pool: they start its threads, and report why it takes no calls.
// Requires: attached to home, for every function here.
#pragma once

#include "binding/module_state.h"
#include "pool/pool.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// The text of the error for calls after the end of the interpreter has begun.
inline constexpr const char* kInterpreterShutdown = "cannot schedule new futures after interpreter shutdown";

// Raises the reason why the pool takes no more tasks.
void raise_refusal(ModuleState& state, const pool::Pool& pool, pool::Lane lane);

// For both: `executor` is the executor, `object` its _core.Pool, and `pool` the pool in that. Runs Python.

// Starts a thread, because the pool needs one. Errors: false with the exception set, if no thread is left to serve the
// pool, or if the exception has another reason (from an audit hook, for example).
[[nodiscard]] bool start_thread(ModuleState& state, PyObject* executor, PyObject* object, pool::Pool& pool);
// Starts all threads that the pool needs. Errors: false with an exception set if one of them cannot be started.
[[nodiscard]] bool start_missing_threads(ModuleState& state, PyObject* executor, PyObject* object, pool::Pool& pool);

}  // namespace aiointerpreters::binding
