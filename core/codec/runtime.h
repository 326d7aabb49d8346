// Runtime: what the codec keeps in one interpreter. It lives in the module state of that interpreter's `_core`.
// Requires: attached to that interpreter for every use, the destructor included.
#pragma once

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

struct Runtime {
  // Made with the module.
  py::Ref interpreter_error;       // aiointerpreters.errors.InterpreterError
  py::Ref not_transferable_error;  // aiointerpreters.errors.NotTransferableError
  py::Ref task_interrupted;        // aiointerpreters.errors.TaskInterrupted
  py::Ref tag_type;                // aiointerpreters.interpreter: what wraps a function that was decorated
  py::Ref remote_traceback;        // aiointerpreters.errors.RemoteTraceback: str(e) is the worker's traceback text

  // Imported on first need; null until then. Use the accessors in pickle_fallback.h.
  py::Ref pickle_dumps;
  py::Ref pickle_loads;

  // At home: `__main__` is a script or module that a worker can run again (hazard 31).
  bool main_is_script = false;
  // In a worker: home's script is being run here to find its functions; making or using a pool meanwhile would never end.
  bool running_main = false;
};

}  // namespace aiointerpreters::codec
