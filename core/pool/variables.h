// Makes a worker's `os.environ` follow home's.
// Owner: none, it keeps no state. Thread: the worker's, or that of its event loop.
// Requires: attached to the worker's interpreter. Runs Python: methods of `os.environ`.
#pragma once

#include "codec/runtime.h"
#include "pool/environment.h"

namespace aiointerpreters::pool {

// Applies what home has changed between `before` and `newer` to this interpreter's `os.environ`. Variables that code in this
// interpreter has changed stay as they are, unless home has changed them too. If `before` is null, all variables become
// those of home. The environment of the process is not touched: home has changed it. Errors: false with an exception set.
[[nodiscard]] bool follow_variables(codec::Runtime& runtime, const EnvironmentPtr& before, const Environment& newer);

}  // namespace aiointerpreters::pool
