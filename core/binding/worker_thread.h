// Starts a worker's thread. CPython's own Thread.start can lose a thread: if a signal handler raises between two of its
// bytecodes, nobody knows whether there is a thread. Here the calling thread runs no bytecode once it has asked the system
// for a thread. The new thread itself reports whether it serves the pool.
// It is a real thread even if gevent or eventlet have patched the modules `_thread` and `threading`. It is listed in
// `threading.enumerate()` (`_worker_thread.py`).
// Requires: attached to home, for every function here.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Starts a thread that serves the pool of an executor, and waits until it is registered with the executor. Signals are
// handled after the return. Blocks. Errors: false with an exception set. Then no thread serves the pool, and the caller has
// to subtract it from the pool's count.
[[nodiscard]] bool start_worker_thread(ModuleState& state, PyObject* executor, PyObject* pool);

// The calling thread now serves the pool, or has subtracted itself from the count. A thread that never calls this is
// subtracted when it ends.
void note_serving(ModuleState& state) noexcept;

}  // namespace aiointerpreters::binding
