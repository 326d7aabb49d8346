// Ending: what has to be done in a worker's interpreter before CPython can end it: what tasks have left behind is finished,
// and what would make CPython crash is taken away.
// Requires: attached to that interpreter, for every function; so it is again afterwards, where nothing else is said. Thread:
// the worker's, or whoever ends the interpreter in its place. Blocks. Runs Python.
#pragma once

#include <atomic>

#include "codec/lessor.h"
#include "codec/runtime.h"
#include "pool/pool_options.h"
#include "py/attach.h"
#include "py/foreign_threads.h"

namespace aiointerpreters::pool {

// On CPythons that complain of the stand-in that `threading` makes of a worker's thread, has it forgotten by an atexit
// function that is called after all others. Errors: false with an exception set.
[[nodiscard]] bool silence_dummy_thread();

// Waits for the pools that tasks have made, then for the threads that they have left, and calls the exit functions. `module`
// is _left_threads or null: then only CPython joins the threads.
// Requires: `interruptible` has begun, so that all of it can be stopped.
void finish_leftovers(codec::Runtime& runtime, const PoolOptions& options, const py::Ref& module);

// Lets no foreign threads in any more, waits for those inside, and calls what is pending. Who stays for longer than five
// seconds (one, once everything is to be stopped) is told of in home's log, and left to `stop_left_threads`.
void part_from(py::ForeignThreads& threads, const PoolOptions& options, const std::atomic<bool>& stopped);

// Gives back what the interpreter has been lent. What it still holds and others use goes to home.
void settle_loans(codec::Runtime& runtime, py::ThreadSides& sides, const PoolOptions& options);

// Stops tracemalloc where CPython cannot end an interpreter while it traces. Leaves the thread attached to home.
void stop_tracing(py::ThreadSides& sides, const PoolOptions& options);

}  // namespace aiointerpreters::pool
