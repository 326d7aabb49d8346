// Starts threads in such a way that an exception cannot lose them. Thread.start may raise although the thread runs, if an
// exception is raised between two of its bytecodes (docs/design/hazards.md, 40). A call from C runs no bytecode.
// Requires: attached.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// CPython's own `_thread.start_joinable_thread`, even if a library has replaced the attribute. Returns new; null
// with an exception set.
[[nodiscard]] Ref find_thread_starter();

// Starts a thread that calls `function` and is not a daemon. `handle`: a `_thread._ThreadHandle` for the thread; null: a
// new one. Runs no bytecode, so no exception can be raised between the start and the return. Returns the handle, new. Null
// with an exception set: no thread was started.
[[nodiscard]] Ref start_thread(const Ref& starter, const Ref& function, PyObject* handle);

}  // namespace aiointerpreters::py
