// `_core.Pool`: an executor's engine as Python sees it, without the executor. The worker threads hold it, so that they
// outlive a dropped executor and finish its work. Requires: attached to home, for every function here.
#pragma once

#include <memory>

#include "binding/module_state.h"
#include "pool/pool.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Makes the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_pool_type(PyObject* module);

// False with RuntimeError set while home's script is being run here to find its functions: a script that starts work without
// checking its name would do so without end (hazard 31).
[[nodiscard]] bool may_use_pools(ModuleState& state);

// Whether the threads of a `_core.Pool` are in this process, and not in the parent that it was forked from.
[[nodiscard]] bool is_here(ModuleState& state, PyObject* pool) noexcept;

// The pool inside. Errors: null with TypeError set if `object` is not a `_core.Pool`.
[[nodiscard]] std::shared_ptr<pool::Pool> pool_in(const ModuleState& state, PyObject* object);

// Waits until the last thread of a closed pool has left. Blocks. Runs Python: signal handlers. Errors: false as
// wait_at_home's kError.
[[nodiscard]] bool wait_for_end(ModuleState& state, const pool::Pool& pool);

}  // namespace aiointerpreters::binding
