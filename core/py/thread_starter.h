// How threads are started that an exception must not lose. Thread.start may raise with the thread running, where an
// exception strikes between two of its bytecodes (docs/design/hazards.md, 40); a call from C runs none.
// Requires: attached.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// CPython's own `_thread.start_joinable_thread`, also where somebody has put something else in its place. Returns new; null
// with an exception set.
[[nodiscard]] Ref find_thread_starter();

// Starts a thread that calls `function` and is no daemon. `handle`: a `_thread._ThreadHandle` that is to
// be the thread's; null: a new one. Runs no bytecode, so no exception strikes between the start and the return. Returns the
// handle, new; null with an exception set: there is no thread.
[[nodiscard]] Ref start_thread(const Ref& starter, const Ref& function, PyObject* handle);

}  // namespace aiointerpreters::py
