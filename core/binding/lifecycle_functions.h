// Functions of `_core` for the end of its interpreter and for forks. The Python half calls or registers them.
// Requires: attached.
#pragma once

#include <memory>

#include "binding/module_state.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Adds the functions to a `_core` that already has its state. Errors: false with a Python exception set.
[[nodiscard]] bool add_lifecycle_functions(PyObject* module);

// For a home that other code has created (a guest), and may never close. The main interpreter will finish the pool before
// it ends itself. Otherwise CPython would end the guest and its workers' interpreters at a time when workers cannot do
// anything any more. Requires: attached to home. Blocks. Runs Python in the main interpreter. Errors: none. If the main
// interpreter cannot import this package, nothing happens.
void entrust_to_main(const ModuleState& home, const std::shared_ptr<pool::Pool>& pool);

// ---- For at-fork hooks of other libraries, which CPython calls between ours.

// Call it before any code that depends on which process this is. In the child of a fork, hooks of others may run before
// ours has noticed the fork.
void note_child(ModuleState& home) noexcept;
inline void note_fork(ModuleState& home) noexcept {
  if (home.forker != 0 && home.process != base::process_id()) note_child(home);
}

// Call it before the calling thread waits for workers. If it is the forking thread, inside a hook, it would wait forever
// while the pools rest. So the pools do not rest during the wait. Returns false if no pool rests because of this thread.
[[nodiscard]] bool begin_recess(ModuleState& home) noexcept;
// Makes the pools rest again after begin_recess. An exception that is set stays set. Blocks. Runs Python.
void end_recess(ModuleState& home);

}  // namespace aiointerpreters::binding
