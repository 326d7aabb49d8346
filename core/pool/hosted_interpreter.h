// HostedInterpreter: a worker's interpreter with all that the engine keeps in it, and how a task runs there.
// Owner, thread: the worker.
#pragma once

#include <string>

#include "codec/callable_cache.h"
#include "codec/codec.h"
#include "codec/runtime.h"
#include "pool/attendant.h"
#include "pool/pool.h"
#include "pool/task.h"
#include "py/interpreter.h"

namespace aiointerpreters::pool {

class HostedInterpreter {
 public:
  HostedInterpreter(Pool& pool, Seat& seat) noexcept : pool_(pool), seat_(seat) {}
  HostedInterpreter(const HostedInterpreter&) = delete;
  HostedInterpreter& operator=(const HostedInterpreter&) = delete;

  // Makes the interpreter and runs the initializer in it. On success the thread is attached to it.
  // Requires: attached to home. Blocks. Runs Python.
  // Errors: what failed, with why in `breakage`; `end` is to be called all the same. std::bad_alloc too.
  enum class Created : std::uint8_t { kReady, kNoInterpreter, kInitializerFailed, kStopped };
  [[nodiscard]] Created create(py::ThreadSides& sides, const std::string& thread_name, Breakage& breakage);

  // Runs the task, unless it is to be interrupted, and leaves its outcome in it: every exception becomes one. Arguments and
  // result may be left over: to drop them can wait until the outcome has been told, unless something of them is on loan.
  // Requires: attached to this interpreter. Runs Python.
  void execute(Task& task);
  [[nodiscard]] bool has_leftovers() const noexcept { return has_leftovers_; }
  // Requires: attached to this interpreter. Runs Python.
  void drop_leftovers();

  // Drops every reference (hazard 3) and ends the interpreter. Leaves the thread detached. Blocks. Runs Python.
  void end(py::ThreadSides& sides);

 private:
  // Each of these sets a Python exception and returns false or null when it fails.
  bool name_thread(const std::string& name);
  bool run_initializer();
  bool follow_environment();
  bool run_main();  // once: home's script, as `__mp_main__` (hazard 31)
  bool run_script();
  [[nodiscard]] py::Ref call(Task& task);

  [[nodiscard]] py::Ref call_with_arguments(const Task& task, PyObject* callable);
  [[nodiscard]] py::Ref call_in_context(Task& task, PyObject* callable);
  [[nodiscard]] py::Ref call_unless_interrupted(Task& task);
  // Waits for what tasks have left behind: pools, threads, exit functions. Runs Python.
  void finish_leftovers(py::ThreadSides& sides);
  void join_left_threads(py::ThreadSides& sides);
  // Stops tracemalloc where CPython cannot end an interpreter under it. Runs Python. Leaves the thread attached to home.
  void stop_tracing(py::ThreadSides& sides);

  Pool& pool_;
  Seat& seat_;
  py::Interpreter interpreter_;
  std::shared_ptr<Attendant> attendant_;  // null until there is a runtime
  codec::Runtime* runtime_ = nullptr;     // null until `_core` is set up in it; owned by that module's state
  codec::CallableCache callables_;
  codec::CallArguments arguments_;
  py::Ref result_;
  bool has_leftovers_ = false;
  EnvironmentPtr environment_;  // the one that is applied
  enum class MainScript : unsigned char { kNotRun, kDone, kFailed };
  MainScript main_ = MainScript::kNotRun;
  codec::Message main_failure_;
};

}  // namespace aiointerpreters::pool
