// `_core`, the extension module, and how it gets into a worker's interpreter.
#pragma once

#include "binding/module_state.h"
#include "codec/runtime.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Makes `_core` in a new interpreter without importing it: the import of an extension takes home's GIL, and that of the
// package would cost time and memory that most functions do not need. A later import finds it in sys.modules.
// Requires: attached to the new interpreter. Returns the codec's runtime, owned by the module, whose `module` the caller has
// to drop in the end; null with an exception set.
[[nodiscard]] codec::Runtime* enter_interpreter();

// The state of `_core` in the attached interpreter. Requires: attached. Returns null with an exception set if there is none,
// or none any more.
[[nodiscard]] ModuleState* find_state();
// The runtime of the codec in the attached interpreter. Requires: attached. Errors: as find_state.
[[nodiscard]] codec::Runtime* find_runtime();

}  // namespace aiointerpreters::binding
