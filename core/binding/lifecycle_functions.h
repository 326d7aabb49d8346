// The actions of `_core` when its interpreter ends and when the process forks. The Python half calls them.
// Requires: attached.
#pragma once

#include <memory>

#include "binding/module_state.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Adds the functions to a `_core` whose state has been made. Errors: false with a Python exception set.
[[nodiscard]] bool add_lifecycle_functions(PyObject* module);

// If home is an interpreter that other code has created and perhaps never closes, makes the main interpreter finish the pool
// before the main interpreter ends. Otherwise CPython would end such interpreters, and those of their workers, when workers
// can do nothing any more. Requires: attached to home. Blocks. Runs Python in the main interpreter. Errors: none. A main
// interpreter that cannot import this package does nothing.
void entrust_to_main(const ModuleState& home, const std::shared_ptr<pool::Pool>& pool);

// ---- At-fork hooks of other libraries, which CPython calls between ours.

// Must be called before code that depends on which process this is. In the child, other hooks may run before ours has noted
// the fork.
void note_child(ModuleState& home) noexcept;
inline void note_fork(ModuleState& home) noexcept {
  if (home.forker != 0 && home.process != base::process_id()) note_child(home);
}

// The calling thread is about to wait for workers. If it is the thread that forks, and it waits in a hook, it would wait for
// ever while the pools rest. So they do not rest during the wait. Returns false if no pool rests because of this thread.
[[nodiscard]] bool begin_recess(ModuleState& home) noexcept;
// Makes the pools rest again. An exception that is set stays set. Blocks. Runs Python.
void end_recess(ModuleState& home);

}  // namespace aiointerpreters::binding
