// Detects replacements of `submit`. Tracing tools replace it on ThreadPoolExecutor, on a derived class or on an instance,
// in order to see all calls. Detecting this costs as little as possible. src/aiointerpreters/_replaced_submit.py and
// _replaced_run.py then handle the calls.
// Requires: attached to home, for every function here.
#pragma once

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// The result of the last check. While nothing changes, a check is only a comparison.
struct StandardSubmit {
  py::Ref attributes;  // of ThreadPoolExecutor
  py::Ref globals;     // of its module
  py::Ref name;        // "submit"
  py::Ref plain;       // the standard library's function, if the last check found it; otherwise null
  py::Ref plain_code;
  // The version (codec/class_facts.h) of the executor class that last had the engine's `submit`. 0: none yet.
  unsigned own_version = 0;
  // The number of calls of `run` that are inside a replaced `submit`. A call that is submitted meanwhile may belong to one
  // of them.
  unsigned runs = 0;
};

// `standard`: ThreadPoolExecutor. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool find_standard_submit(PyObject* standard, StandardSubmit& found);

// Whether ThreadPoolExecutor.submit has been replaced. Runs no Python. Errors: none.
[[nodiscard]] bool is_submit_replaced(StandardSubmit& submit);
// Whether an executor has another `submit`, in its class or as an attribute of the instance. `engines`: the engine's
// `submit`. Runs no Python. Errors: none.
[[nodiscard]] bool has_own_submit(StandardSubmit& submit, PyObject* executor, PyCFunction engines);

}  // namespace aiointerpreters::binding
