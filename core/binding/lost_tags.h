// Warnings of lost tags: a tagged function that is called directly in a thread of a pool runs there, and perhaps was meant
// to run in an interpreter. `_lost_tags.py` has the rule and the text.
// Requires: attached, for every function here.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Whether this process wants such warnings: in Python's development mode, unless AIOINTERPRETERS_WARN_LOST_TAGS is 0, or if
// that variable has another value. Errors: none.
[[nodiscard]] bool wants_lost_tags();

// Call it when a tag is called directly at home. Warns, at most once for each function. Returns 1 if the tag need not be
// watched any more, otherwise 0. Runs Python, except in the main thread. Errors: -1 with the warning as the exception, if
// the filters of warnings make it one.
[[nodiscard]] int watch_direct_call(const ModuleState& state, PyObject* callable);

}  // namespace aiointerpreters::binding
