// `_core`, the extension module, and how a worker's interpreter gets it.
#pragma once

#include "binding/module_state.h"
#include "codec/runtime.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Creates `_core` in a new interpreter without importing it. Importing an extension module takes home's GIL, and importing
// the package would cost time and memory that most functions do not need. A later import finds `_core` in sys.modules.
// Requires: attached to the new interpreter. Returns the codec's runtime, which the module owns. The caller has to drop the
// runtime's member `module` in the end. Errors: null with an exception set.
[[nodiscard]] codec::Runtime* enter_interpreter();

// The state of `_core` in the attached interpreter. Requires: attached. Returns null with an exception set if `_core` does
// not exist there, or not any more.
[[nodiscard]] ModuleState* find_state();
// The runtime of the codec in the attached interpreter. Requires: attached. Errors: as find_state.
[[nodiscard]] codec::Runtime* find_runtime();

}  // namespace aiointerpreters::binding
