// Finds out what a function by value refers to (function_graph.h), if a recipe can express it.
// Requires: attached to home. Errors: null with MemoryError, KeyboardInterrupt and the like set; std::bad_alloc.
#pragma once

#include <memory>

#include "codec/code_facts.h"
#include "codec/function_graph.h"
#include "codec/runtime.h"
#include "py/python.h"

namespace aiointerpreters::codec {

// Returns null, without an exception, if the function has to be pickled: it refers to an object that is no number, string,
// container of these, function, module, or class with a name. Runs Python: the collector, __reduce__ of a tag.
[[nodiscard]] std::shared_ptr<FunctionGraph> survey_function(Runtime& runtime, CodeTable& codes, PyObject* function);

}  // namespace aiointerpreters::codec
