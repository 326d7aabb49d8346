// Detects replacements of `submit`. Tools that trace calls replace it on ThreadPoolExecutor, on a class derived from it or
// on an instance, and want to see all calls. This finds out as cheaply as possible whether there is a replacement. The
// reaction is in src/aiointerpreters/_replaced_submit.py and _replaced_run.py.
// Requires: attached to home, for every function here.
#pragma once

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// The state of `submit` at the last look, so that a look is only a comparison.
struct StandardSubmit {
  py::Ref attributes;  // of ThreadPoolExecutor
  py::Ref globals;     // of its module
  py::Ref name;        // "submit"
  py::Ref plain;       // the standard library's own function, if the last look saw it; null otherwise
  py::Ref plain_code;
  unsigned own_version =
      0;              // of the executor class that was seen last and has the engine's (codec/class_facts.h); 0: none was
  unsigned runs = 0;  // calls of `run` that another `submit` sees just now; what is submitted meanwhile may be one of them
};

// `standard`: ThreadPoolExecutor. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool find_standard_submit(PyObject* standard, StandardSubmit& found);

// Whether ThreadPoolExecutor.submit is not the standard library's. Runs no Python. Errors: none.
[[nodiscard]] bool is_submit_replaced(StandardSubmit& submit);
// Whether `submit` of an executor is not the `engine`'s: a class's own, or an attribute of the instance. Runs no Python.
// Errors: none.
[[nodiscard]] bool has_own_submit(StandardSubmit& submit, PyObject* executor, PyCFunction engines);

}  // namespace aiointerpreters::binding
