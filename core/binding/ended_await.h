// `_core.EndedAwait`: the await of a call whose end was found before the loop has had a turn. It gives the loop that turn,
// by yielding once as asyncio.sleep(0) does, and then hands out the result. So what awaits one call after the other lets
// other tasks run, and can be cancelled.
// Requires: attached to home, on the loop's thread, for every function here.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Makes the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_ended_await_type(PyObject* module);

// The iterator for the `await` of an asyncio.Future that is done. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_ended_await(const ModuleState& home, PyObject* future);

// Raises StopIteration with the value, whatever it is; takes over the reference. Returns null.
PyObject* stop_with(PyObject* value);

// Raises what generators' `throw` was given. Returns null.
PyObject* raise_thrown(PyObject* const* args, Py_ssize_t nargs);

}  // namespace aiointerpreters::binding
