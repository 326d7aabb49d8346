// Runtime: the codec's data in one interpreter. It is part of the module state of that interpreter's `_core`.
// Requires: attached to that interpreter for every use, the destructor included.
#pragma once

#include <memory>
#include <string>

#include "codec/blueprints.h"
#include "codec/class_plans.h"
#include "codec/lessor.h"
#include "codec/module_versions.h"
#include "extensions/refused_imports.h"
#include "py/interruptible.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::pool {
class Relay;
}

namespace aiointerpreters::codec {

struct Runtime {
  // In a worker: the module that contains this. The worker keeps it, because tasks may change sys.modules. Not traversed.
  py::Ref module;
  std::string worker_name;  // of a worker: the name of its thread; otherwise empty

  // Created with the module.
  py::Ref interpreter_error;                        // aiointerpreters.errors.InterpreterError
  py::Ref not_transferable_error;                   // aiointerpreters.errors.NotTransferableError
  py::Ref task_interrupted;                         // aiointerpreters.errors.TaskInterrupted
  py::Ref tag_type;                                 // aiointerpreters.interpreter: the wrapper of a decorated function
  py::Ref shared_buffer_type;                       // aiointerpreters.SharedBuffer
  py::Ref lease_type;                               // the exporter of views that have crossed
  py::Ref arrow_stream_type;                        // frames that cross are made from it
  LessorPtr lessor;                                 // of this interpreter's memory; never null
  std::shared_ptr<class ArrayMemory> array_memory;  // of a worker that imports private copies; else null
  std::shared_ptr<extensions::RefusedImports> refused_imports;  // of a worker that imports none; else null
  py::Ref remote_traceback;  // aiointerpreters.errors.RemoteTraceback: str(e) is the worker's traceback text

  // Imported by pickling.cpp when first needed; null until then.
  py::Ref pickler_type;
  py::Ref unpickler_type;
  py::Ref pickle_loads;
  py::Ref pickling_error;
  py::Ref bytes_io_type;
  py::Ref dispatch_table;  // of copyreg
  // NumPy's, once it has been imported here (arrays.h).
  py::Ref array_type;
  py::Ref mapped_array_type;
  // Likewise polars' (frames.h).
  py::Ref frame_type;
  py::Ref series_type;
  // Names of attributes, interned when first needed.
  struct Names {
    py::Ref dump;
    py::Ref getbuffer;
    py::Ref persistent_id;
    py::Ref dispatch_table;
    py::Ref queue_module;
    py::Ref numpy;
    py::Ref polars;
    // Of exceptions (exception_type.h).
    py::Ref cause;
    py::Ref context;
    py::Ref suppress_context;
    py::Ref traceback;
    py::Ref notes;
    py::Ref exceptions;
    py::Ref name;
    py::Ref name_from;
    py::Ref dict;
  } names;
  // In a worker that sends its words home: the way there (pool/relay.h), home's levels and filters, and the function that
  // applies them here, once this interpreter has imported `logging` or `warnings`.
  std::shared_ptr<pool::Relay> relay;
  py::Ref home_settings;
  py::Ref follow_settings;
  // In a worker, created when first needed: a Python function that calls its first argument with the others.
  py::Ref caller;

  ClassPlans class_plans;  // of the classes whose instances leave this interpreter
  Blueprints blueprints;   // of the classes whose instances arrive
  ModuleVersions modules;  // that home may have loaded anew

  py::Interruptible interruptible;       // the thread of a worker's interpreter
  py::Interruptible loop_interruptible;  // the thread of the event loop there
  // In a worker: wakes code that waits for calls in its own event loops. Runs Python.
  void (*wake_waiting)(Runtime&) = nullptr;
  class Retry* retries = nullptr;  // a list of all live retries; see pickling.h
  // At home: a worker cannot run `__main__` again, because it is no script or module. So its contents cross by value
  // (hazard 31).
  bool main_is_nowhere = false;
  // At home: the path of `__main__` if it is a script, as source, that a worker can run; otherwise empty.
  std::string main_file;
  // In a worker: home's script is being run here to find its functions. Creating or using a pool meanwhile would never end.
  bool running_main = false;
  bool guard_missing = false;  // the script has used a pool then, so it lacks `if __name__ == "__main__"`
};

}  // namespace aiointerpreters::codec
