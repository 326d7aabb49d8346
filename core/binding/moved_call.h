// `_core.MovedCall`: a call that runs elsewhere than in an interpreter, as the Python code sees it that runs it
// (_elsewhere.py). It owns the task, and ends it if nothing else has. When the call has ended, it owns nothing any more:
// frames of tracebacks may keep the object for long.
// Requires: attached to home, for every function here.
#pragma once

#include "binding/home_task.h"
#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Creates the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_moved_call_type(PyObject* module);

// `spare`: the tuple that elsewhere.cpp has made. `error`: why no interpreter could run it, or null. Returns new; null with
// an exception set. Errors: std::bad_alloc too.
[[nodiscard]] py::Ref make_moved_call(ModuleState& home, HomeTask& task, PyObject* spare, PyObject* error);

// Passes it to a method of its Elsewhere object. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool start_moved(const py::Ref& moved, const char* method);

// Ends the running call as interrupted, and stops the process or the event loop that runs it, or that is being started for
// it. Returns 0 if it cannot be stopped: a plain function in a thread. Runs Python.
[[nodiscard]] int interrupt_moved(HomeTask& task);

}  // namespace aiointerpreters::binding
