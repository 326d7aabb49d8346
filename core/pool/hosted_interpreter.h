// HostedInterpreter: a worker's interpreter with everything that the engine keeps in it, and how a task runs there.
// Owner, thread: the worker.
#pragma once

#include <memory>
#include <string>

#include "codec/codec.h"
#include "codec/runtime.h"
#include "pool/caller.h"
#include "pool/hosted_loop.h"
#include "pool/main_script.h"
#include "pool/pool.h"
#include "pool/task.h"
#include "pool/visitor.h"
#include "py/foreign_threads.h"
#include "py/frame_below.h"
#include "py/interpreter.h"

namespace aiointerpreters::pool {

class HostedInterpreter {
 public:
  HostedInterpreter(Pool& pool, Seat& seat) : pool_(pool), seat_(seat) {}
  HostedInterpreter(const HostedInterpreter&) = delete;
  HostedInterpreter& operator=(const HostedInterpreter&) = delete;

  // Makes the interpreter and runs the initializer in it. On success the thread is attached to it.
  // Requires: attached to home. Blocks. Runs Python.
  // Errors: the step that failed, with the reason in `breakage`; `end` must be called all the same. std::bad_alloc too.
  enum class Created : std::uint8_t { kReady, kNoInterpreter, kInitializerFailed, kStopped };
  [[nodiscard]] Created create(py::ThreadSides& sides, const std::string& thread_name, Breakage& breakage);

  // Runs the task, unless it is already interrupted, and stores its outcome in it; every exception becomes an outcome.
  // Arguments and result may be left over. Dropping them can wait until the outcome has been told, unless something of them
  // is on loan. Requires: attached to this interpreter. Runs Python.
  void execute(Task& task);
  [[nodiscard]] bool has_leftovers() const noexcept { return has_leftovers_; }
  // Whether dropping them certainly takes no noticeable time. Requires: attached to this interpreter.
  [[nodiscard]] bool leftovers_are_inert() const;
  // Requires: attached to this interpreter. Runs Python.
  void drop_leftovers();

  // Applies the parts of home's state that are newer than those here, and runs home's script if the task needs it. Thread:
  // also the event loop's; one thread waits, detached, while the other one runs the script. Runs Python. Errors: false with
  // an exception set.
  [[nodiscard]] bool prepare(const Task& task);

  // The frame below which the worker serves the interpreter.
  [[nodiscard]] py::FrameBelow& frame() noexcept { return frame_; }

  // Makes the event loop of the interpreter. `teller` tells home of ends in this loop. Requires: attached to it. Runs
  // Python. Errors: false with the reason in `breakage`; std::bad_alloc too.
  [[nodiscard]] bool open_loop(const LoopPortPtr& port, TellerPtr teller, const std::string& thread_name,
                               Breakage& breakage);

  // Drops every reference (hazard 3) and ends the interpreter, or abandons it to threads that nothing stops
  // (py/abandoned.h). It also ends other abandoned interpreters whose threads have left meanwhile. Afterwards the thread is
  // detached. Thread: the worker's or, while the worker has lent the interpreter, another one. Blocks. Runs Python.
  void end(py::ThreadSides& sides);

 private:
  // Each of these sets a Python exception and returns false or null when it fails.
  bool run_initializer();
  // The set-up before any code of the user's runs in it. False with an exception set.
  bool set_up(const std::string& thread_name);
  bool follow_environment();
  // Makes it import extension modules as private copies, if that was requested.
  bool prepare_imports();
  [[nodiscard]] py::Ref call_unless_interrupted(Task& task);
  void finish_loop();
  // From now on nobody visits the interpreter.
  void stop_visitor();
  // Calls code that drops objects. This may run Python for ever (`__del__`), and can be stopped.
  template <typename Drop>
  void drop_interruptibly(Drop&& drop);

  Pool& pool_;
  Seat& seat_;
  py::Interpreter interpreter_;
  std::shared_ptr<Visitor> visitor_;                     // null until there is a runtime
  std::shared_ptr<py::ForeignThreads> foreign_threads_;  // null without private copies
  codec::Runtime* runtime_ = nullptr;                    // null until `_core` is set up in it; owned by that module's state
  py::FrameBelow frame_;
  Caller caller_;
  py::Ref result_;
  bool has_leftovers_ = false;
  EnvironmentPtr environment_;  // the environment that is applied
  MainScript main_script_;
  std::unique_ptr<HostedLoop> loop_;  // null until there is one
};

}  // namespace aiointerpreters::pool
