// What `_core` does when its interpreter ends and when the process forks; the Python half says when.
// Requires: attached.
#pragma once

#include <memory>

#include "binding/module_state.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Adds the functions to a `_core` whose state has been made. Errors: false with a Python exception set.
[[nodiscard]] bool add_lifecycle_functions(PyObject* module);

// Has the main interpreter finish the pool before it ends, if home is an interpreter that others have made and may not close:
// CPython ends those, and their workers', when no worker can do anything any more. Requires: attached to home. Blocks. Runs
// Python there. Errors: none; a main interpreter that cannot import this package does nothing.
void entrust_to_main(const ModuleState& home, const std::shared_ptr<pool::Pool>& pool);

}  // namespace aiointerpreters::binding
