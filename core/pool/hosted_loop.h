// HostedLoop: the event loop in a worker's interpreter, in its own thread beside the worker's, so that neither delays the
// other. It runs coroutine functions, many at once.
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

  // Starts the thread. Thread: the worker's. Runs Python. Errors: false with an exception set; there is no loop then.
  [[nodiscard]] bool start(const std::string& worker_name);
  // Waits until everything that was sent here has ended, closes the loop, joins the thread. Thread: the worker's. Blocks.
  // Runs Python.
  void finish();

  // ---- For `Steps`. Thread: the loop's.

  // A step of the task begins or ends; the task has not ended yet. `told`: the step begins by learning that it must end. An
  // exception that is set stays set.
  void begin_step(const Task& task, bool told) noexcept;
  void end_step();
  // Everything must end: a coroutine that continues is interrupted.
  [[nodiscard]] bool stops() const noexcept { return port_->stopped(); }
  [[nodiscard]] const py::Ref& task_interrupted() const noexcept { return runtime_.task_interrupted; }
  // The task ends with that result or, null, with the exception that is set, unless it has ended before. Ends the step.
  void end_task(const TaskPtr& task, py::Ref result);

  // ---- For the loop. Thread: the loop's.

  // The loop calls it when there is mail: cancels tasks, begins others. True: the loop must stop.
  [[nodiscard]] bool read_mail(const py::Ref& loop);
  // The loop is gone, stopped or broken by a task; so all tasks that were sent here end. Thread: also the worker's, after
  // that.
  void end_all();

 private:
  [[nodiscard]] bool work_off_mail(const py::Ref& loop);
  void begin(const TaskPtr& task, const py::Ref& loop);
  [[nodiscard]] py::Ref make_asyncio_task(const TaskPtr& task, const py::Ref& loop);
  void cancel(Task& task);
  void end_interrupted(const TaskPtr& task);
  // Drops a task that was cancelled before it began.
  void publish_cancelled(const TaskPtr& task);
  // A task has ended. Call it before any thread can see that, so that the next submit finds the loop with one task less.
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
