// `_core.Pool`: the engine of an executor, as a Python object without the executor. Worker threads hold it, so they outlive
// a dropped executor and finish its work. Requires: attached to home, for every function here.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "binding/module_state.h"
#include "pool/pool.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Creates the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_pool_type(PyObject* module);

// False with RuntimeError set while home's script runs in this worker to find its functions. A script without a check of
// `__name__` would otherwise start pools endlessly (hazard 31).
[[nodiscard]] bool may_use_pools(ModuleState& state);

// Whether the threads of a `_core.Pool` are in this process. False: they are in the parent of a fork.
[[nodiscard]] bool is_here(ModuleState& state, PyObject* pool) noexcept;

// The pool inside. Errors: null with TypeError set if `object` is not a `_core.Pool`.
[[nodiscard]] std::shared_ptr<pool::Pool> pool_in(const ModuleState& state, PyObject* object);

// The broadcasts that new interpreters of a `_core.Pool` run, in their order. They are kept here as well, because in a
// forked child nothing in the pool can be read.
[[nodiscard]] std::vector<pool::BroadcastPtr>& broadcasts_of(PyObject* pool) noexcept;
// The number of the last one.
[[nodiscard]] std::uint64_t& last_broadcast_of(PyObject* pool) noexcept;

// Waits until the last thread of a closed pool has left. Blocks. Runs Python: signal handlers. Errors: false, as kError of
// wait_at_home.
[[nodiscard]] bool wait_for_end(ModuleState& state, const pool::Pool& pool);

}  // namespace aiointerpreters::binding
