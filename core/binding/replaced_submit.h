// What stands in the place of `submit`: tools that trace calls put something there, on ThreadPoolExecutor, on a class
// derived from it or on an instance, and want to see all calls. Here is found out whether there is anything, as cheaply as
// can be; what is done about it then, src/aiointerpreters/_replaced_submit.py and _replaced_run.py tell.
// Requires: attached to home, for every function here.
#pragma once

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// What `submit` was when it was looked at last, so that a look costs no more than comparing it.
struct StandardSubmit {
  py::Ref attributes;  // of ThreadPoolExecutor
  py::Ref globals;     // of its module
  py::Ref name;        // "submit"
  py::Ref plain;       // the function that was seen last and was the standard library's own; null: none was
  py::Ref plain_code;
  unsigned own_version =
      0;              // of the executor class that was seen last and has the engine's (codec/class_facts.h); 0: none was
  unsigned runs = 0;  // calls of `run` that another `submit` sees just now; what is submitted meanwhile may be one of them
};

// `standard`: ThreadPoolExecutor. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool find_standard_submit(PyObject* standard, StandardSubmit& found);

// Whether ThreadPoolExecutor.submit is another one than the standard library's. Runs no Python. Errors: none.
[[nodiscard]] bool is_submit_replaced(StandardSubmit& submit);
// Whether `submit` of an executor is another one than the `engines`: a class's own, or an attribute of the instance.
// Runs no Python.
// Errors: none.
[[nodiscard]] bool has_own_submit(StandardSubmit& submit, PyObject* executor, PyCFunction engines);

}  // namespace aiointerpreters::binding
