// What the workers of a pool do, and their Python stacks, as Python objects.
// Owner: home, which has all of these objects. Thread: any that is attached to home.
#pragma once

#include <chrono>

#include "pool/pool.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Returns new: a tuple of the threads, the busy ones, the interpreters and the queued calls. Null with an exception set.
// Requires: attached.
[[nodiscard]] py::Ref make_census(const pool::Census& census);

// Asks all interpreters at once, and waits that long for their answers. Nothing is raised in them, and no call is delayed
// by more than a switch of the GIL.
// Returns new: the census, and a list of tuples, one for each worker (`_core.pyi`, _WorkerStacks), of the same moment. Null
// with an exception set.
// Requires: attached to home. Runs Python: the collector. Blocks: detached. Errors: std::bad_alloc too.
[[nodiscard]] py::Ref describe_workers(const pool::Pool& pool, std::chrono::milliseconds patience);

}  // namespace aiointerpreters::binding
