// Calls that may run elsewhere than in an interpreter: in a thread of home if no interpreter can run them, or in another
// process (docs/fallback.md).
//
// Each such call keeps a spare: a tuple that has all that is needed to run it elsewhere, as objects of home. An executor's
// `Elsewhere` (_elsewhere.py) decides once for each function whether its calls are moved, runs processes, and counts.
//
//   submit, run --> cannot cross, or the function has been moved before  --> elsewhere
//               \-> a worker cannot begin it --> HomeTask::move_elsewhere --> elsewhere
//
// Requires: attached to home, for every function here.
#pragma once

#include "binding/awaited_task.h"
#include "binding/module_state.h"
#include "binding/submission.h"
#include "pool/pool.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Where the executor runs that call.
[[nodiscard]] Routing routing_of(const ModuleState& state, PyObject* self, const Submission& call) noexcept;

// The same as submit for a call whose routing is flexible. `in_rows`: for a chunk of `map`. Returns its future; null with an
// exception set. Runs Python.
[[nodiscard]] PyObject* submit_flexibly(PyObject* self, ModuleState& state, pool::Pool& pool, const Submission& call,
                                        bool in_rows);

// The same as start_awaited for such a call.
[[nodiscard]] PyObject* start_awaited_flexibly(PyObject* self, ModuleState& state, pool::Pool& pool, const Submission& call,
                                               AwaitedTask::Cancelling cancelling);

}  // namespace aiointerpreters::binding
