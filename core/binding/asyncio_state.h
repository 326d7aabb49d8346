// AsyncioState: objects of asyncio that an interpreter keeps when it awaits calls. They are created at the first such call.
// Requires: attached to that interpreter for every use. Owner: its module state.
#pragma once

#include <unordered_map>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class AsyncioBridge;
struct ModuleState;

struct AsyncioState {
  py::Ref run_future_type;     // null before the first call
  py::Ref run_coroutine_type;  // derived from run_future_type: the type of `run`'s return value
  py::Ref ended_await_type;
  py::Ref bridge_type;               // of the objects that hold bridges
  py::Ref get_running_loop;          // asyncio's function; returns None if no loop runs
  py::Ref future_cancel;             // asyncio.Future.cancel
  py::Ref future_add_done_callback;  // asyncio.Future.add_done_callback
  py::Ref future_blocking;           // the descriptor of asyncio.Future._asyncio_future_blocking
  // The code of asyncio's BaseEventLoop.run_in_executor and of asyncio.to_thread; null if they are not Python functions.
  py::Ref run_in_executor_code;
  py::Ref to_thread_code;
  // Names of methods and attributes, interned.
  struct Names {
    py::Ref blocking;
    py::Ref call_soon;
    py::Ref call_soon_threadsafe;
    py::Ref cancel;
    py::Ref context_keyword;  // ("context",)
    py::Ref done;
    py::Ref exception;
    py::Ref get_loop;
    py::Ref loop;
    py::Ref result;
    py::Ref set_exception;
    py::Ref set_result;
  } names;
  std::unordered_map<PyObject*, AsyncioBridge*> bridges;  // by loop; the loops own them
};

// Fills it, unless it is already filled. Requires: `module` is the `_core` of `home`. Runs Python. Errors: false with an
// exception set.
[[nodiscard]] bool prepare_asyncio(PyObject* module, ModuleState& home);

}  // namespace aiointerpreters::binding
