// Worker: the loop of one worker thread. It owns the thread's interpreter, once it has one.
// Owner: the thread's stack. Thread: its own; other threads call `end_lent`.
#pragma once

#include <memory>
#include <string>

#include "pool/hosted_interpreter.h"
#include "pool/pool.h"
#include "pool/task.h"
#include "py/attach.h"

namespace aiointerpreters::pool {

class Worker final : private Lender {
 public:
  // Takes a seat in the pool. `name` is the thread's, for its interpreter too.
  // Requires: attached to home, on the new thread. Errors: std::bad_alloc; the pool still expects a thread then.
  Worker(std::shared_ptr<Pool> pool, std::string name);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs tasks until the pool is closed and has nothing left for this worker. A failed allocation affects only the task that
  // it hits. In the child of a fork that a task or a callback has made, it returns when that task or callback has ended.
  // Requires: attached to home; it is attached to home again at the end. Blocks. Runs Python.
  void run();

 private:
  enum class Next : std::uint8_t {
    kAgain,    // another round
    kOutside,  // the same, but outside of the frame: it has to run home's code, or end the interpreter
    kLeave,    // the pool is closed, and there is nothing to do
  };
  // Rounds below a Python frame of the interpreter (frame_below.h), until one must be outside of it.
  [[nodiscard]] Next serve_in_frame();
  // A round that survives a failed allocation.
  [[nodiscard]] Next serve_once(bool in_frame);
  // One round: takes a task, publishes the one before, runs it.
  [[nodiscard]] Next serve(bool in_frame);
  // Ends the tasks that a failed allocation has left unfinished.
  void recover();
  // Starts the task in hand and runs it.
  void run_task();
  void execute(Task& task);
  // Publishes that the task before is done.
  void publish();
  // Called after that change of a task, its end: if home has to be told, that is the next thing to do.
  void tell_later(const TaskPtr& task, Task::Change change);
  [[nodiscard]] Next tell_home();
  // Drops the objects that the task before has left in the interpreter, now that its end is known. True: that may have taken
  // long, and the worker has given back the task in its hand. Runs Python.
  [[nodiscard]] bool drop_leftovers();
  // Python code of unknown length is about to run: the pool must not count on this worker meanwhile.
  void step_aside();

  // Does the seat's errand for the pool.
  [[nodiscard]] Next run_errand();
  void become_host();
  void open_loop();
  // Makes the interpreter. Errors: `why` says what failed, and the unfinished interpreter has to be ended.
  [[nodiscard]] HostedInterpreter::Created make_interpreter(std::shared_ptr<const Breakage>& why);
  // There is no interpreter after all. True: other hosts take over the tasks. False: the tasks that waited for it have
  // ended.
  [[nodiscard]] bool give_up_host(HostedInterpreter::Created created, const std::shared_ptr<const Breakage>& why);
  void warn_of_fewer_hosts(const Breakage& why);
  void end_interpreter();
  // Returns when home has been told of everything that has ended in the event loops. Requires: there is no interpreter any
  // more. Blocks.
  void finish_telling();

  // Calls `body` attached to home; meanwhile other threads may end the interpreter, to fork the process. Blocks. Runs
  // Python. Leaves no exception set. Errors: false if an allocation has failed in it.
  template <typename Body>
  bool visit_home(Body&& body);
  [[nodiscard]] bool end_lent() override;

  // Does at home what the end of a task requires.
  void settle(Task& task, Task::Change change);
  void end_broken(TaskList tasks, const std::shared_ptr<const Breakage>& why);
  void give_others_a_turn();
  // This is the child of a fork that was made on this thread since `run` has begun: everything belongs to the parent.
  [[nodiscard]] bool is_forked() const noexcept { return *pool_->options().forks != forks_; }
  // Keeps the tasks for ever: they belong to the parent, like the pool, which may have been left in any state.
  void leave_to_parent();

  const std::shared_ptr<Pool> pool_;
  const std::string name_;
  const unsigned forks_;
  Seat& seat_;
  py::ThreadSides sides_;
  std::unique_ptr<HostedInterpreter> hosted_;
  TellerPtr teller_;  // of its event loops; null before the first one
  TaskPtr task_;      // in hand: taken, maybe started
  TaskPtr done_;      // has its outcome, which is not published yet
  TaskPtr untold_;    // has ended, and home must be told
  Task::Change untold_change_ = Task::Change::kQuiet;
  unsigned tasks_in_a_row_ = 0;  // since this thread was last detached
};

}  // namespace aiointerpreters::pool
