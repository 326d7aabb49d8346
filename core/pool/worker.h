// Worker: the loop of one worker thread. It owns the thread's interpreter, once there is one.
// Owner: the thread's stack. Thread: its own.
#pragma once

#include <memory>
#include <string>

#include "pool/hosted_interpreter.h"
#include "pool/pool.h"
#include "pool/task.h"
#include "py/attach.h"

namespace aiointerpreters::pool {

class Worker {
 public:
  // Requires: attached to home, on the new thread. `name` is the thread's, for its interpreter too.
  Worker(std::shared_ptr<Pool> pool, std::string name);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs tasks until the pool is closed and has nothing left for this worker.
  // Requires: attached to home; so it is again at the end. Blocks. Runs Python.
  void run();

  // Ends the interpreter, if there is one, while a task of home's side runs: it is about to fork the process (hazard 16).
  // Requires: attached to home, on this thread, inside `run`; so it is again at the end. Blocks. Runs Python.
  void rest();
  // This is the child of a fork, which the task or callback that runs has made: `run` returns when that has ended. Thread: its
  // own.
  void note_forked() noexcept { forked_ = true; }

 private:
  // Makes the interpreter that the task needs. False: there is none; the task was given to others, or ended.
  [[nodiscard]] bool make_host(TaskPtr& task);
  // Keeps the task for ever: it is the other process's, like the pool, which may have been left in any state.
  void leave_to_parent(TaskPtr task);
  [[nodiscard]] HostedInterpreter::Created make_interpreter(Breakage& breakage);
  // There is no interpreter after all. True: there are others for what was to be done; else that is broken, and what is queued
  // has ended so.
  [[nodiscard]] bool give_up_host(HostedInterpreter::Created created, const std::shared_ptr<const Breakage>& breakage);
  // Makes the event loop that the pool wants here, and the interpreter if there is none.
  void open_loop();
  void end_interpreter();
  // Runs a started task; its outcome is in it then.
  void execute(Task& task);
  // Drops what the last task has left in the interpreter, now that its end is known. Runs Python.
  void drop_leftovers();
  // Lets the world know that `done` is done. Returns the next task, `next` or another one, or null.
  [[nodiscard]] TaskPtr publish(Task& done, TaskPtr next);
  // Does at home what the end of a task asks for.
  void settle(Task& task, Task::Change change);
  // Ends with the reason every queued task in that scope, and the pool's use with it.
  void break_pool(const std::shared_ptr<const Breakage>& breakage, Pool::Scope scope);
  void give_others_a_turn();

  const std::shared_ptr<Pool> pool_;
  const std::string name_;
  Seat seat_;
  py::ThreadSides sides_;
  std::unique_ptr<HostedInterpreter> hosted_;
  bool forked_ = false;
  unsigned tasks_in_a_row_ = 0;  // since this thread was last detached
};

}  // namespace aiointerpreters::pool
