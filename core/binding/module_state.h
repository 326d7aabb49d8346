// ModuleState: every Python object that the engine holds in one interpreter, kept in the state of that interpreter's `_core`
// module (hazard 12: nothing in C++ statics).
// Requires: attached to that interpreter for every use. Owner: the module, whose garbage collection sees every Ref that
// could be part of a cycle.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/mutex.h"
#include "base/process.h"
#include "base/spin_policy.h"
#include "binding/asyncio_state.h"
#include "binding/home_environment.h"
#include "binding/replaced_submit.h"
#include "codec/callable_table.h"
#include "codec/runtime.h"
#include "pool/reporter.h"
#include "pool/visitor.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::pool {
class Pool;
}  // namespace aiointerpreters::pool

namespace aiointerpreters::binding {

struct ModuleState {
  codec::Runtime runtime;

  // Home's: the functions that were submitted, and the state that workers have to follow.
  codec::CallableTable callables;
  HomeEnvironment environment;

  // Made with the module. (The type of tagged callables is runtime.tag_type.)
  py::Ref pool_type;
  py::Ref message_type;

  // Made when an executor is first used; null before, and for ever in an interpreter without executors.
  py::Ref future_type;
  py::Ref executor_type;
  py::Ref condition_type;       // threading.Condition
  py::Ref cancelled_error;      // concurrent.futures.CancelledError
  py::Ref invalid_state_error;  // concurrent.futures.InvalidStateError
  py::Ref broken_pool_error;    // concurrent.futures.thread.BrokenThreadPool
  py::Ref placeholder;          // functools.Placeholder (3.14), else null
  py::Ref logger;               // the logger of concurrent.futures
  py::Ref thread_starter;       // CPython's own _thread.start_joinable_thread
  StandardSubmit standard_submit;
  AsyncioState asyncio;
  std::shared_ptr<pool::Visitor> visitor;                                  // null before the first pool
  std::shared_ptr<pool::Reporter> reporter;                                // likewise
  std::unordered_map<const pool::Pool*, std::weak_ptr<pool::Pool>> pools;  // all that may have workers
  std::vector<std::weak_ptr<pool::Pool>> guest_pools;          // main's: of interpreters that are neither it nor workers'
  std::vector<std::weak_ptr<pool::Reporter>> guest_reporters;  // likewise
  // Tellers (pool/teller.h), by the idents of their threads, that are here, and the pools that wait for them at their end.
  std::unordered_map<unsigned long, const pool::Pool*> settling;
  std::unordered_set<unsigned long> starting;        // idents of threads that do not serve their pool yet (worker_thread.h)
  unsigned long main_thread = 0;                     // ident of the thread that signals interrupt
  unsigned long forker = 0;                          // ident of the thread that forks the process; 0: none does
  bool is_resting = false;                           // because of that, all pools rest, including new ones
  int process = base::process_id();                  // the process that `forks` belongs to
  base::Mutex forking;                               // held from before a fork until after it: one at a time
  std::vector<std::shared_ptr<pool::Pool>> resting;  // for that fork
  unsigned forks = 0;                                // between the process that first loaded this and this one

  // For threads that wait for a result. Zero: there is one processor.
  base::SpinPolicy result_spins{std::chrono::nanoseconds(0)};
  // The interpreter is about to end: `submit` says so.
  bool exiting = false;

  // Calls `visit` with each Ref; for traverse and clear.
  template <typename Visit>
  int each(Visit&& visit) {
    for (py::Ref* ref : {&runtime.interpreter_error,
                         &runtime.not_transferable_error,
                         &runtime.task_interrupted,
                         &runtime.tag_type,
                         &runtime.remote_traceback,
                         &runtime.shared_buffer_type,
                         &runtime.lease_type,
                         &runtime.arrow_stream_type,
                         &runtime.pickler_type,
                         &runtime.unpickler_type,
                         &runtime.pickle_loads,
                         &runtime.pickling_error,
                         &runtime.bytes_io_type,
                         &runtime.dispatch_table,
                         &runtime.array_type,
                         &runtime.mapped_array_type,
                         &runtime.frame_type,
                         &runtime.series_type,
                         &runtime.caller,
                         &pool_type,
                         &message_type,
                         &future_type,
                         &executor_type,
                         &condition_type,
                         &cancelled_error,
                         &invalid_state_error,
                         &broken_pool_error,
                         &placeholder,
                         &logger,
                         &thread_starter,
                         &standard_submit.attributes,
                         &standard_submit.globals,
                         &standard_submit.name,
                         &standard_submit.plain,
                         &standard_submit.plain_code,
                         &asyncio.run_future_type,
                         &asyncio.run_coroutine_type,
                         &asyncio.ended_await_type,
                         &asyncio.bridge_type,
                         &asyncio.get_running_loop,
                         &asyncio.future_cancel,
                         &asyncio.future_add_done_callback,
                         &asyncio.future_blocking,
                         &asyncio.run_in_executor_code,
                         &asyncio.to_thread_code}) {
      if (const int stop = visit(*ref)) return stop;
    }
    return 0;
  }
};

// The definition of `_core`, by which a type's methods find their module.
extern PyModuleDef module_definition;

// Writes a warning to the log of this package. Not for threads of the engine (pool/reporter.h). Requires: attached. Runs
// Python. Leaves no exception set.
void log_warning(const std::string& text);
// Writes warnings there, on a thread of its own. Errors: std::bad_alloc.
[[nodiscard]] std::shared_ptr<pool::Reporter> make_reporter(const ModuleState& home);

// Reports that an interpreter's initializer has failed. Requires: attached to a home. Runs Python. Leaves no exception set.
void log_initializer_failure(const pool::Breakage& breakage);

// Requires: `module` is a `_core` whose set-up has succeeded.
[[nodiscard]] inline ModuleState& state_of(PyObject* module) noexcept {
  return **static_cast<ModuleState**>(PyModule_GetState(module));
}
// Requires: `type` was made by `_core` (the defining class of a method).
[[nodiscard]] inline ModuleState& state_of_type(PyTypeObject* type) noexcept { return state_of(PyType_GetModule(type)); }

}  // namespace aiointerpreters::binding
