// HostedLoop: the event loop in a worker's interpreter, in a thread of its own beside the worker's, so that neither holds up
// the other. It runs coroutine functions, many at once.
// Owner: the worker. Thread: the worker's and the loop's, guarded by the interpreter's GIL.
// Requires: attached to that interpreter, for everything here.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "codec/runtime.h"
#include "pool/caller.h"
#include "pool/loop_port.h"
#include "pool/teller.h"
#include "py/callback.h"
#include "py/ref.h"

namespace aiointerpreters::pool {

class HostedInterpreter;
class Pool;

class HostedLoop {
 public:
  HostedLoop(HostedInterpreter& host, Pool& pool, codec::Runtime& runtime, LoopPortPtr port, TellerPtr teller) noexcept;
  HostedLoop(const HostedLoop&) = delete;
  HostedLoop& operator=(const HostedLoop&) = delete;

  // Starts the thread. Thread: the worker's. Runs Python. Errors: false with an exception set; nothing runs then.
  [[nodiscard]] bool start(const std::string& worker_name);
  // Waits until everything that was sent here has ended, closes the loop, joins the thread. Thread: the worker's. Blocks.
  // Runs Python.
  void finish();

  // ---- For `Steps`. Thread: the loop's.

  // A step of the task begins or ends; the task has not ended yet. `told`: it begins by learning that it is to end. Leaves
  // an exception that is set so.
  void begin_step(const Task& task, bool told) noexcept;
  void end_step();
  // Everything is to end: what goes on is interrupted.
  [[nodiscard]] bool stops() const noexcept { return port_->stopped(); }
  [[nodiscard]] const py::Ref& task_interrupted() const noexcept { return runtime_.task_interrupted; }
  // The task ends with that result or, null, with the exception that is set, unless it has ended before. Ends the step.
  void end_task(const TaskPtr& task, py::Ref result);

  // ---- For the loop. Thread: the loop's.

  // What the loop is called for when there is mail: cancels tasks, begins others. True: the loop is to stop.
  [[nodiscard]] bool read_mail(const py::Ref& loop);
  // The loop is gone, stopped or broken by what ran in it: so is all that was sent here.
  // Thread: the worker's, too, after that.
  void end_all();

 private:
  [[nodiscard]] bool work_off_mail(const py::Ref& loop);
  void begin(const TaskPtr& task, const py::Ref& loop);
  [[nodiscard]] py::Ref make_asyncio_task(const TaskPtr& task, const py::Ref& loop);
  void cancel(Task& task);
  void end_interrupted(const TaskPtr& task);
  // A task that was cancelled before it began is let go of.
  void publish_cancelled(const TaskPtr& task);
  // A task has ended. Before anybody can see that, so that who submits again finds the loop with one task less.
  void count_out() noexcept;
  void tell(const TaskPtr& task, Task::Change change);

  HostedInterpreter& host_;
  Pool& pool_;
  codec::Runtime& runtime_;
  const LoopPortPtr port_;
  const TellerPtr teller_;
  Caller caller_;
  struct Running {
    TaskPtr task;
    py::Ref asyncio_task;
  };
  std::unordered_map<const Task*, Running> running_;
  bool closing_ = false;
  bool is_reading_ = false;
  py::Ref steps_type_;
  py::Ref task_type_;  // asyncio.Task
  std::optional<py::Callback<HostedLoop>> on_mail_;
  std::optional<py::Callback<HostedLoop>> on_end_;
  py::Ref thread_;  // null: it was not started
};

}  // namespace aiointerpreters::pool
