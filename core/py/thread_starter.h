// How threads are started that an exception must not lose. Thread.start may raise with the thread running, where an exception strikes
// between two of its bytecodes (docs/design/hazards.md, 40); a call from C runs none.
// Requires: attached.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// CPython's own `_thread.start_joinable_thread`, also where somebody has put something else in its place. Returns new; null with
// an exception set.
[[nodiscard]] Ref find_thread_starter();

}  // namespace aiointerpreters::py
