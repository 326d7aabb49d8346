// Steps: the coroutine of a task, in the form that asyncio drives. Between its steps, asyncio does other work. It tells its
// event loop when a step begins and ends, and how the task ends.
// Requires: attached to the interpreter of that loop. Thread: the loop's.
#pragma once

#include "pool/task.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::pool {

class HostedLoop;

// Makes the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_steps_type();

// Returns new: a coroutine that runs `inner`, a Python coroutine. Null with an exception set.
[[nodiscard]] py::Ref make_steps(const py::Ref& type, HostedLoop& loop, TaskPtr task, const py::Ref& inner);

}  // namespace aiointerpreters::pool
