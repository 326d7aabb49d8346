// Creates a module from an extension that was loaded as a private copy, in the interpreter that imports it.
//
// CPython's own loader cannot be used. Since 3.13 it first runs the initialization of a single-phase module in the main
// interpreter. Static types are made ready there, and then freed in the wrong interpreter. So the function that the object
// exports is called here, as PEP 489 and PEP 793 describe. Only public API is used.
// Requires: attached to a worker's interpreter, for everything here. Runs Python.
#pragma once

#include <string>

#include "py/ref.h"

namespace aiointerpreters::extensions {

struct MadeModule {
  py::Ref module;
  bool is_complete = false;  // a single-phase module: the object cannot create a second one
};

// Creates the module of `spec` from an object. `handle` comes from dlopen. A multi-phase module has to be executed
// afterwards. A single-phase module is complete, and is added to this interpreter's state.
// `origin`: the path of the original, for error messages.
// Errors: null with ImportError set, or with the exception that the initialization has raised.
[[nodiscard]] MadeModule make_module(void* handle, const py::Ref& spec, const py::Ref& name, const std::string& origin);

// Executes a multi-phase module; does nothing if it is complete. Errors: false with an exception set.
[[nodiscard]] bool execute_module(PyObject* module);

}  // namespace aiointerpreters::extensions
