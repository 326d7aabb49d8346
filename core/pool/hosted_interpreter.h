// HostedInterpreter: a worker's interpreter with everything that the engine keeps in it, and how a task runs there.
// Owner, thread: the worker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "codec/codec.h"
#include "codec/runtime.h"
#include "pool/caller.h"
#include "pool/glance.h"
#include "pool/hosted_loop.h"
#include "pool/main_script.h"
#include "pool/pool.h"
#include "pool/task.h"
#include "pool/visitor.h"
#include "py/foreign_threads.h"
#include "py/frame_below.h"
#include "py/interpreter.h"

namespace aiointerpreters::pool {

class HostedInterpreter final : private Described {
 public:
  HostedInterpreter(Pool& pool, Seat& seat) : pool_(pool), seat_(seat) {}
  HostedInterpreter(const HostedInterpreter&) = delete;
  HostedInterpreter& operator=(const HostedInterpreter&) = delete;

  // Creates the interpreter, imports the modules to preload and runs the initializer in it. On success the thread is
  // attached to it.
  // Requires: attached to home. Blocks. Runs Python.
  // Errors: the step that failed, with the reason in `breakage`. `end` must be called in this case too. Also
  // std::bad_alloc.
  enum class Created : std::uint8_t {
    kReady,
    kNoInterpreter,
    kPreloadFailed,
    kInitializerFailed,
    kBroadcastFailed,
    kStopped
  };
  [[nodiscard]] Created create(py::ThreadSides& sides, const std::string& thread_name, Breakage& breakage);

  // Runs a broadcast in it before its first task. Requires: attached to it. Runs Python. Errors: as create.
  [[nodiscard]] Created run_broadcast(const Broadcast& broadcast, Breakage& breakage);

  // Runs the task, unless it is already interrupted, and stores its outcome in it. Every exception becomes an outcome.
  // Arguments and result may be left over. They are dropped after the outcome has been published, unless part of them is on
  // loan. Requires: attached to this interpreter. Runs Python.
  void execute(Task& task);
  [[nodiscard]] bool has_leftovers() const noexcept { return has_leftovers_; }
  // Whether dropping the leftovers certainly takes no noticeable time. Requires: attached to this interpreter.
  [[nodiscard]] bool leftovers_are_inert() const;
  // Requires: attached to this interpreter. Runs Python.
  void drop_leftovers();

  // Applies the parts of home's state that have changed, and runs home's script if the task needs it. Thread: also the
  // event loop's. While one thread runs the script, the other waits, detached. Runs Python. Errors: false with an exception
  // set.
  [[nodiscard]] bool prepare(const Task& task);

  // The frame below which the worker serves the interpreter.
  [[nodiscard]] py::FrameBelow& frame() noexcept { return frame_; }

  // Creates the event loop of the interpreter. `teller` tells home how calls end in this loop. Requires: attached to it.
  // Runs Python. Errors: false with the reason in `breakage`; also std::bad_alloc.
  [[nodiscard]] bool open_loop(const LoopPortPtr& port, TellerPtr teller, const std::string& thread_name,
                               Breakage& breakage);

  // Drops every reference (hazard 3) and ends the interpreter. If it has threads that nothing stops, abandons it instead
  // (py/abandoned.h). Also ends other abandoned interpreters that have been deserted meanwhile. Afterwards the thread is
  // detached. Thread: the worker's, or another one while the worker has lent the interpreter. Blocks. Runs Python.
  void end(py::ThreadSides& sides);

 private:
  // See glance.h. Thread: the visitor's.
  [[nodiscard]] std::vector<Activity> describe() override;
  // Runs the user's code that prepares the interpreter. Errors: the step that failed, with an exception set, and with the
  // reason in `breakage`.
  [[nodiscard]] Created prepare_by_user(Breakage& breakage);
  // The end of a step that prepares the interpreter. Returns how it has ended.
  [[nodiscard]] Created conclude(Created created, Breakage& breakage);
  // Each of these sets a Python exception and returns false or null when it fails.
  bool preload(const std::string& name);
  bool run_once(const codec::CallablePtr& callable, const codec::Message& arguments);
  // Sets it up before any code of the user runs in it. False with an exception set.
  bool set_up(const std::string& thread_name);
  bool follow_environment();
  // Makes it send home what it says, as far as that was requested.
  bool prepare_words();
  // Applies the levels of home's loggers and home's warning filters, if this interpreter has imported these modules.
  bool follow_settings();
  // Makes it import extension modules as private copies, if that was requested.
  bool prepare_imports();
  [[nodiscard]] py::Ref call_unless_interrupted(Task& task);
  void finish_loop();
  // From now on no visitor enters the interpreter.
  void stop_visitor();
  // Calls code that drops objects. `__del__` may run forever there, so it can be stopped.
  template <typename Drop>
  void drop_interruptibly(Drop&& drop);

  Pool& pool_;
  Seat& seat_;
  py::Interpreter interpreter_;
  std::shared_ptr<Visitor> visitor_;                     // null until there is a runtime
  std::shared_ptr<py::ForeignThreads> foreign_threads_;  // null without private copies
  codec::Runtime* runtime_ = nullptr;                    // null until `_core` is set up; owned by that module's state
  py::FrameBelow frame_;
  Caller caller_{/*calls_overlap=*/false};
  py::Ref result_;
  bool has_leftovers_ = false;
  EnvironmentPtr environment_;  // the environment that is applied
  MainScript main_script_;
  std::unique_ptr<HostedLoop> loop_;  // null until there is one
};

}  // namespace aiointerpreters::pool
