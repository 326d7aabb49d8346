// Frees unused memory of the calling thread's stack.
// Thread: any.
#pragma once

namespace aiointerpreters::base {

// Gives back the pages that deeper calls have written. The next deep call gets fresh ones.
// Linux only; elsewhere it does nothing.
void trim_stack() noexcept;

}  // namespace aiointerpreters::base
