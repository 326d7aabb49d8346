// Worker: the loop of one worker thread. It owns the thread's interpreter, once it has one.
// Owner: the thread's stack. Thread: its own; other threads call `end_lent`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pool/hosted_interpreter.h"
#include "pool/pool.h"
#include "pool/task.h"
#include "py/attach.h"

namespace aiointerpreters::pool {

class Worker final : private Lender {
 public:
  // Takes a seat in the pool. `name` is the name of the thread, and of the thread in its interpreter.
  // Requires: attached to home, on the new thread. Errors: std::bad_alloc; the pool still expects a thread then.
  Worker(std::shared_ptr<Pool> pool, std::string name);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs tasks until the pool is closed and has no more work for this worker. A failed allocation affects only the task
  // that it hits. If a task or a callback forks, then in the child this function returns when that task or callback has
  // ended.
  // Requires: attached to home; it is attached to home again at the end. Blocks. Runs Python.
  void run();

 private:
  enum class Next : std::uint8_t {
    kAgain,    // another round
    kOutside,  // another round, outside of the frame: home's code has to run, or the interpreter has to end
    kLeave,    // the pool is closed, and there is nothing to do
  };
  // Rounds below a Python frame of the interpreter (frame_below.h), until a round must be outside of it.
  [[nodiscard]] Next serve_in_frame();
  // A round that survives a failed allocation.
  [[nodiscard]] Next serve_once(bool in_frame);
  // One round: takes a task, publishes the outcome of the previous one, runs the task.
  [[nodiscard]] Next serve(bool in_frame);
  // Ends the tasks that a failed allocation has left unfinished.
  void recover();
  // Takes the next task in hand, by `take`. Afterwards the seat no longer shows the previous one.
  template <typename Take>
  void take_next(Take&& take) {
    task_ = take();
    shown_ = {};
  }
  // Starts the task in hand (`task_`) and runs it.
  void run_task();
  void execute(Task& task);
  // Publishes the outcome of the previous task.
  void publish();
  // Handles a change that has ended a task. If home has to be told, that is done next.
  void tell_later(const TaskPtr& task, Task::Change change);
  [[nodiscard]] Next tell_home();
  // Drops the leftovers of the previous task, whose end is known now. True: that may have taken long, and the worker has
  // given back the task in hand. Runs Python.
  [[nodiscard]] bool drop_leftovers();
  // Python code is about to run that may take long, so the pool must not rely on this worker meanwhile.
  void step_aside();

  // Does the seat's errand for the pool.
  [[nodiscard]] Next run_errand();
  void become_host();
  void open_loop();
  // Creates the interpreter, which is ready then. Errors: `why` has the reason, and the unfinished interpreter has to be
  // ended.
  [[nodiscard]] HostedInterpreter::Created make_interpreter(std::shared_ptr<const Breakage>& why);
  // No interpreter could be created. True: other hosts take over the tasks. False: the waiting tasks have ended.
  [[nodiscard]] bool give_up_host(HostedInterpreter::Created created, const std::shared_ptr<const Breakage>& why);
  // The user's code that prepares interpreters has failed. Logs it, and returns the tasks that the caller has to end.
  [[nodiscard]] TaskList break_down(const char* title, const std::shared_ptr<const Breakage>& why, Pool::Scope scope);
  void log_failure(const char* title, const Breakage& why);
  [[nodiscard]] Next log_failed_broadcasts();
  void warn_of_fewer_hosts(const Breakage& why);
  void end_interpreter();
  // Returns when home has been told of all ends in the event loops. Requires: the interpreter has ended. Blocks.
  void finish_telling();

  // Calls `body` attached to home. Meanwhile other threads may end the interpreter for a fork. Blocks. Runs Python. Leaves
  // no exception set. Errors: false if an allocation has failed in it.
  template <typename Body>
  bool visit_home(Body&& body);
  [[nodiscard]] bool end_lent() override;
  void run_addressed() override;
  // Runs one of them. Requires: attached to home, with the interpreter reclaimed. Returns the change that has ended it.
  [[nodiscard]] Task::Change run_at_once(Task& task);
  // Cancels the tasks that only the interpreter which has ended could run. Requires: attached to home.
  void cancel_addressed();

  // Does at home what the end of a task requires.
  void settle(Task& task, Task::Change change);
  void end_broken(TaskList tasks, const std::shared_ptr<const Breakage>& why);
  void give_others_a_turn();
  // Whether this is the child of a fork that was made on this thread since `run` began. Then everything belongs to the
  // parent.
  [[nodiscard]] bool is_forked() const noexcept { return *pool_->options().forks != forks_; }
  // Never frees the tasks: they belong to the parent, like the pool, which may be in any state.
  void leave_to_parent();

  const std::shared_ptr<Pool> pool_;
  const std::string name_;
  const unsigned forks_;
  Seat& seat_;
  py::ThreadSides sides_;
  std::unique_ptr<HostedInterpreter> hosted_;
  TellerPtr teller_;  // of its event loops; null before the first one
  TaskPtr task_;      // in hand: taken, perhaps started
  TaskPtr done_;      // has its outcome, which is not published yet
  TaskPtr untold_;    // has ended, and home must be told
  TaskPtr shown_;     // has been given up, but others may still find it in the seat (Seat::current)
  Task::Change untold_change_ = Task::Change::kQuiet;
  std::vector<std::shared_ptr<const Breakage>> failed_broadcasts_;  // in this new interpreter, withdrawn but not yet logged
  unsigned tasks_in_a_row_ = 0;                                     // since this thread was last detached
};

}  // namespace aiointerpreters::pool
