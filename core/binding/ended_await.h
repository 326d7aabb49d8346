// `_core.EndedAwait`: the await of a call that has ended before the loop got control. It yields once, as asyncio.sleep(0)
// does, and then returns the result. So code that awaits one call after the other lets other tasks run, and can be
// cancelled.
// Requires: attached to home, on the loop's thread, for every function here.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Creates the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_ended_await_type(PyObject* module);

// The iterator for the `await` of an asyncio.Future that is done. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_ended_await(const ModuleState& home, PyObject* future);

// Raises StopIteration with `value`, of any type. Takes the reference. Returns null.
PyObject* stop_with(PyObject* value);

// Raises the exception that a generator's `throw` was called with. Returns null.
PyObject* raise_thrown(PyObject* const* args, Py_ssize_t nargs);

}  // namespace aiointerpreters::binding
