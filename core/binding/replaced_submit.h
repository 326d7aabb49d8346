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
  py::Ref plain;       // the standard library's function, if the last look found it; null otherwise
  py::Ref plain_code;
  // The version (codec/class_facts.h) of the executor class that was last seen with the engine's `submit`. 0: none yet.
  unsigned own_version = 0;
  // The number of calls of `run` that are inside a replaced `submit` now. A call that is submitted meanwhile may be one of
  // them.
  unsigned runs = 0;
};

// `standard`: ThreadPoolExecutor. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool find_standard_submit(PyObject* standard, StandardSubmit& found);

// Whether ThreadPoolExecutor.submit has been replaced. Runs no Python. Errors: none.
[[nodiscard]] bool is_submit_replaced(StandardSubmit& submit);
// Whether an executor has a `submit` of its own, in its class or as an attribute of the instance. `engines`: the engine's
// `submit`. Runs no Python. Errors: none.
[[nodiscard]] bool has_own_submit(StandardSubmit& submit, PyObject* executor, PyCFunction engines);

}  // namespace aiointerpreters::binding
