// The start of a worker's thread. CPython's own Thread.start can lose a thread: a signal handler that raises between two of
// its bytecodes leaves open whether there is one. Here the calling thread runs no bytecode from the moment on when the
// system is asked for a thread, and the new thread itself says whether it serves the pool.
// It is a real thread whatever gevent or eventlet have made of the modules `_thread` and `threading`, and stands in
// `threading.enumerate()` all the same (`_worker_thread.py`).
// Requires: attached to home, for every function here.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Starts a thread that serves the pool of an executor, and waits until it is registered with that. Signals are handled after
// the return. Blocks. Errors: false with an exception set; no thread serves the pool then,
// and it is still to be counted out.
[[nodiscard]] bool start_worker_thread(ModuleState& state, PyObject* executor, PyObject* pool);

// The calling thread serves the pool, or has counted itself out. Who never says so is counted out when the thread ends.
void note_serving(ModuleState& state) noexcept;

}  // namespace aiointerpreters::binding
