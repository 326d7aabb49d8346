// ModuleState: all Python objects that the engine holds in one interpreter. They are kept in the state of that
// interpreter's `_core` module, and never in C++ statics (hazard 12).
// Requires: attached to that interpreter for every use. Owner: the module. Its garbage collection sees every Ref that could
// be part of a cycle.
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
#include "codec/weak_table.h"
#include "pool/relay.h"
#include "pool/reporter.h"
#include "pool/visitor.h"
#include "py/pass_on.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::pool {
class Pool;
}  // namespace aiointerpreters::pool

namespace aiointerpreters::binding {

struct ModuleState {
  codec::Runtime runtime;

  // At home: the functions that were submitted, and the state that workers have to follow.
  codec::CallableTable callables;
  HomeEnvironment environment;
  // By code object: how functions that were submitted pass their calls on; null: they do something of their own.
  codec::WeakTable<std::unique_ptr<const py::PassOn>> passes;

  // Created with the module. (The type of tagged callables is runtime.tag_type.)
  py::Ref pool_type;
  py::Ref message_type;

  bool warns_of_lost_tags = false;  // lost_tags.h
  py::Ref current_type;             // aiointerpreters.Current; created when it is first used

  // Created when an executor is first used. Always null in an interpreter without executors.
  py::Ref future_type;
  py::Ref moved_call_type;
  py::Ref executor_type;        // in a worker, at first perhaps only an outline
  bool has_executors = false;   // executor_type is complete, and the objects it needs are set
  py::Ref condition_type;       // threading.Condition
  py::Ref cancelled_error;      // concurrent.futures.CancelledError
  py::Ref invalid_state_error;  // concurrent.futures.InvalidStateError
  py::Ref broken_pool_error;    // concurrent.futures.thread.BrokenThreadPool
  py::Ref placeholder;          // functools.Placeholder (since 3.14); otherwise null
  py::Ref logger;               // the logger of concurrent.futures
  py::Ref thread_starter;       // CPython's own _thread.start_joinable_thread
  StandardSubmit standard_submit;
  AsyncioState asyncio;
  std::shared_ptr<pool::Visitor> visitor;                                  // null before the first pool
  std::shared_ptr<pool::Reporter> reporter;                                // null before the first pool
  std::shared_ptr<pool::Relay> relay;                                      // null before the first pool that uses it
  std::unordered_map<const pool::Pool*, std::weak_ptr<pool::Pool>> pools;  // all pools that may have workers
  std::vector<std::weak_ptr<pool::Pool>> guest_pools;                      // in the main interpreter: the pools of guests
  std::vector<std::weak_ptr<pool::Reporter>> guest_reporters;  // in the main interpreter: the reporters of guests
  std::vector<std::weak_ptr<pool::Relay>> guest_relays;        // likewise the relays of guests
  // Tellers (pool/teller.h) that are attached here, by the idents of their threads, and the pools that wait for them to
  // end.
  std::unordered_map<unsigned long, const pool::Pool*> settling;
  std::unordered_set<unsigned long> starting;  // idents of threads that do not serve their pool yet (worker_thread.h)
  std::string process_name;  // of an executor's process (docs/fallback.md), in such a process; otherwise empty
  std::unordered_map<unsigned long, std::string> serving;  // the names of all threads of executors, by ident
  unsigned long main_thread = 0;                           // ident of the thread that handles signals
  unsigned long forker = 0;                                // ident of the thread that forks the process; 0: none
  bool is_resting = false;                                 // all pools rest because of a fork, including new ones
  int process = base::process_id();                        // the process that `forks` belongs to
  base::Mutex forking;  // held from before a fork until after it, so there is one fork at a time
  std::vector<std::shared_ptr<pool::Pool>> resting;  // the pools that rest for this fork
  unsigned forks = 0;  // the number of forks between the process that first loaded this and this process

  // For threads that wait for a result. Zero: there is only one processor.
  base::SpinPolicy result_spins{std::chrono::nanoseconds(0)};
  // The interpreter is about to end, so `submit` refuses calls.
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
                         &runtime.home_settings,
                         &runtime.follow_settings,
                         &pool_type,
                         &message_type,
                         &current_type,
                         &future_type,
                         &moved_call_type,
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

// The definition of `_core`. The methods of a type find their module by it.
extern PyModuleDef module_definition;

// Writes a warning to this package's log. Threads of the engine use a Reporter instead (pool/reporter.h). Requires:
// attached. Runs Python. Leaves no exception set.
void log_warning(const std::string& text);
// A reporter that writes warnings to that log, on a thread of its own. Errors: std::bad_alloc.
[[nodiscard]] std::shared_ptr<pool::Reporter> make_reporter(const ModuleState& home);

// Reports that the code which prepares new interpreters has failed. Requires: attached to a home. Runs Python. Leaves no
// exception set.
void log_setup_failure(const char* title, const pool::Breakage& breakage);

// Requires: `module` is a `_core` that was set up successfully.
[[nodiscard]] inline ModuleState& state_of(PyObject* module) noexcept {
  return **static_cast<ModuleState**>(PyModule_GetState(module));
}
// Requires: `type` was created by `_core` (the defining class of a method).
[[nodiscard]] inline ModuleState& state_of_type(PyTypeObject* type) noexcept { return state_of(PyType_GetModule(type)); }

}  // namespace aiointerpreters::binding
