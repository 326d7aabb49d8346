// Recipes: messages from which a worker builds a function by value, and the functions that it needs. Code is marshalled, and
// values are in the native format (docs/design/codec_format.md). A recipe needs no cloudpickle, whose import takes a worker
// 15 ms. It gives the same function as cloudpickle, except that functions with a common cell still have it in common.
// Errors: as for codec.h.
#pragma once

#include <vector>

#include "codec/function_graph.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Requires: attached to home; the graph has just been made. No Python runs. Errors: false, without an exception if the
// function has to be pickled.
[[nodiscard]] bool write_recipe(Runtime& runtime, const FunctionGraph& graph, Message& out);
// Returns new. `codes`: the code objects that an earlier call with this recipe has made, or empty: then it gets them.
// Requires: attached to the worker. Runs Python: it imports the modules that the function uses. Errors: null with the
// exception set, of an import that failed, for example.
[[nodiscard]] py::Ref follow_recipe(Runtime& runtime, const Message& message, std::vector<py::Ref>& codes);

}  // namespace aiointerpreters::codec
