// Broadcasting: home's part of a call that runs in every interpreter of an executor (pool/broadcasts.h).
// Requires: attached to home, for every function here.
#pragma once

#include "binding/module_state.h"
#include "binding/submission.h"
#include "pool/pool.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Sends the call. `object` is the executor's _core.Pool, and `pool` the pool in it. Returns new: a tuple of the broadcast's
// id and a list of futures, one for each interpreter that is ready. Runs Python. Errors: null with an exception set;
// std::bad_alloc.
[[nodiscard]] py::Ref broadcast(ModuleState& state, PyObject* object, pool::Pool& pool, const Submission& call);

// Runs what is addressed to the interpreter of this thread, if this is a worker of the pool that runs code of home. If it
// waited for such a task, it would wait for itself. Runs Python. Leaves no exception set.
void run_addressed_here(const pool::Pool& pool);

// The interpreters that had to run it have done so. Errors: false with its exception, if it has failed in a new one before.
// Runs Python.
[[nodiscard]] bool end_broadcast(ModuleState& state, PyObject* object, std::uint64_t id);

// The interpreters that are created from now on do not run it.
void withdraw_broadcast(PyObject* object, pool::Pool& pool, std::uint64_t id) noexcept;

}  // namespace aiointerpreters::binding
