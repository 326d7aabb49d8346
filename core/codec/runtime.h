// Runtime: what the codec keeps in one interpreter. It lives in the module state of that interpreter's `_core`.
// Requires: attached to that interpreter for every use, the destructor included.
#pragma once

#include <memory>

#include "codec/blueprints.h"
#include "codec/class_plans.h"
#include "codec/lessor.h"
#include "py/interruptible.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

struct Runtime {
  // In a worker: the module that this belongs to, held by the worker, whatever tasks do to sys.modules. Not traversed.
  py::Ref module;

  // Made with the module.
  py::Ref interpreter_error;                        // aiointerpreters.errors.InterpreterError
  py::Ref not_transferable_error;                   // aiointerpreters.errors.NotTransferableError
  py::Ref task_interrupted;                         // aiointerpreters.errors.TaskInterrupted
  py::Ref tag_type;                                 // aiointerpreters.interpreter: what wraps a function that was decorated
  py::Ref shared_buffer_type;                       // aiointerpreters.SharedBuffer
  py::Ref lease_type;                               // what views that have crossed stand on
  py::Ref arrow_stream_type;                        // what frames that cross are made of
  LessorPtr lessor;                                 // of this interpreter's memory; never null
  std::shared_ptr<class ArrayMemory> array_memory;  // of a worker that imports private copies; else null
  bool refuses_extensions = false;                  // of a worker that imports none, on a system that has private copies
  py::Ref remote_traceback;  // aiointerpreters.errors.RemoteTraceback: str(e) is the worker's traceback text

  // Imported on first need by pickling.cpp; null until then.
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
  // Names of attributes, interned on first need.
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
  // In a worker, made on first need: a Python function that calls its first argument with the others.
  py::Ref caller;

  ClassPlans class_plans;  // of the classes whose instances leave this interpreter
  Blueprints blueprints;   // of those that arrive

  py::Interruptible interruptible;       // the thread of a worker's interpreter
  py::Interruptible loop_interruptible;  // the thread of the event loop there
  // In a worker: wakes what waits for calls in event loops of its own. Runs Python.
  void (*wake_waiting)(Runtime&) = nullptr;
  class Retry* retries = nullptr;  // all that live; see pickling.h
  // At home: `__main__` is no script or module that a worker could run again, so what is in it crosses by value (hazard 31).
  bool main_is_nowhere = false;
  // In a worker: home's script is being run here to find its functions; making or using a pool meanwhile would never end.
  bool running_main = false;
  bool guard_missing = false;  // it did just that: it lacks spawn's `if __name__ == "__main__"`
};

}  // namespace aiointerpreters::codec
