// A module of an extension that was loaded as a private copy, made in the interpreter that imports it.
//
// CPython's own loader cannot be used: since 3.13 it runs the initialization of a module of one phase in the main
// interpreter first, where static types are readied and from where they are freed in the wrong interpreter. So the function
// that the object exports is called here, as PEP 489 and PEP 793 describe it. The steps are public API.
// Requires: attached to a worker's interpreter, for everything here. Runs Python.
#pragma once

#include <string>

#include "py/ref.h"

namespace aiointerpreters::extensions {

struct MadeModule {
  py::Ref module;
  bool is_complete = false;  // made by an initialization of one phase: then the object makes no second one
};

// Makes the module of `spec` from an object that dlopen has given a handle for.
// A module of several phases is still to be executed.
// A module of one phase is complete, and is added to this interpreter's state as its definition wants it.
// `origin`: of the object that was copied; errors name it.
// Errors: null with ImportError set, or what the initialization has raised.
[[nodiscard]] MadeModule make_module(void* handle, const py::Ref& spec, const py::Ref& name, const std::string& origin);

// Executes what is left of a module's initialization; nothing if it is complete. Errors: false with an exception set.
[[nodiscard]] bool execute_module(PyObject* module);

}  // namespace aiointerpreters::extensions
