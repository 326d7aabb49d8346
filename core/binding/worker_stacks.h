// What the workers of a pool do, and their Python stacks, as Python objects without any object of a worker.
#pragma once

#include <chrono>

#include "pool/pool.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Asks all interpreters at once, and waits that long for their answers. Nothing is raised in them, and no call is delayed
// by more than a switch of the GIL.
// Returns new: a list of tuples, one for each worker (`_core.pyi`, WorkerStacks). Null with an exception set.
// Requires: attached to home. Blocks: detached. Errors: std::bad_alloc too.
[[nodiscard]] py::Ref describe_workers(const pool::Pool& pool, std::chrono::milliseconds patience);

}  // namespace aiointerpreters::binding
