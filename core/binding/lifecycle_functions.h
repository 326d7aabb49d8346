// What `_core` does when its interpreter ends and when the process forks; the Python half says when.
// Requires: attached.
#pragma once

#include <memory>

#include "binding/module_state.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Adds the functions to a `_core` whose state has been made. Errors: false with a Python exception set.
[[nodiscard]] bool add_lifecycle_functions(PyObject* module);

// Has the main interpreter finish the pool before it ends, if home is an interpreter that others have made and may not
// close:
// CPython ends those, and their workers', when no worker can do anything any more. Requires: attached to home. Blocks. Runs
// Python there. Errors: none; a main interpreter that cannot import this package does nothing.
void entrust_to_main(const ModuleState& home, const std::shared_ptr<pool::Pool>& pool);

// ---- At-fork hooks of other libraries, which CPython calls between ours.

// Call it where code depends on which process this is. In the child, other hooks may run before ours has noted the fork.
void note_child(ModuleState& home) noexcept;
inline void note_fork(ModuleState& home) noexcept {
  if (home.forker != 0 && home.process != base::process_id()) note_child(home);
}

// The calling thread is about to wait for work of workers. If it is the thread that forks, in a hook, it would wait for ever
// while the pools rest. So they do not rest during that time. False: nothing rests because of this thread.
[[nodiscard]] bool begin_recess(ModuleState& home) noexcept;
// Makes the pools rest again. An exception that is set stays set. Blocks. Runs Python.
void end_recess(ModuleState& home);

}  // namespace aiointerpreters::binding
