// HostedLoop: the event loop in a worker's interpreter. It has its own thread, beside the worker's, so that neither delays
// the other. It runs many coroutine functions at once.
// Owner: the worker. Thread: the worker's and the loop's, guarded by the interpreter's GIL.
// Requires: attached to that interpreter, for everything here.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "codec/runtime.h"
#include "pool/caller.h"
#include "pool/glance.h"
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

  // Starts the thread. Thread: the worker's. Runs Python. Errors: false with an exception set; no loop exists then.
  [[nodiscard]] bool start(const std::string& worker_name);
  // Waits until all tasks that were sent here have ended, closes the loop, and joins the thread. Thread: the worker's.
  // Blocks. Runs Python.
  void finish();

  // ---- For `Steps`. Thread: the loop's.

  // A step of the task begins or ends; the task continues. `told`: the step begins with an exception that tells it to end.
  // An exception that is set stays set.
  void begin_step(const Task& task, bool told) noexcept;
  void end_step();
  // Whether everything must end. A coroutine that continues is then interrupted.
  [[nodiscard]] bool stops() const noexcept { return port_->stopped(); }
  [[nodiscard]] const py::Ref& task_interrupted() const noexcept { return runtime_.task_interrupted; }
  // The task ends with that result, or if it is null, with the exception that is set. If it has already
  // ended, only the step ends.
  void end_task(const TaskPtr& task, py::Ref result);

  // ---- For the loop. Thread: the loop's.

  // The loop calls it when there is mail. Cancels tasks and begins others. True: the loop must stop.
  [[nodiscard]] bool read_mail(const py::Ref& loop);
  // The loop does not run any more: it was stopped, or a task has broken it. Ends all tasks that were sent here. Thread:
  // the loop's, and the worker's after that.
  void end_all();

  // Adds its calls, and other code that its thread runs (glance.h). Thread: the visitor's.
  void describe(std::vector<Activity>& activities) const;

 private:
  [[nodiscard]] bool work_off_mail(const py::Ref& loop);
  void begin(const TaskPtr& task, const py::Ref& loop);
  [[nodiscard]] py::Ref make_asyncio_task(const TaskPtr& task, const py::Ref& loop);
  void cancel(Task& task);
  void end_interrupted(const TaskPtr& task);
  // Drops a task that was cancelled before it began.
  void publish_cancelled(const TaskPtr& task);
  // Counts a task that has ended. Call it before any thread can see that end, so that the next submit counts one task less
  // for this loop.
  void count_out() noexcept;
  void tell(const TaskPtr& task, Task::Change change);

  HostedInterpreter& host_;
  Pool& pool_;
  codec::Runtime& runtime_;
  const LoopPortPtr port_;
  const TellerPtr teller_;
  Caller caller_{/*calls_overlap=*/true};
  struct Running {
    TaskPtr task;
    py::Ref asyncio_task;  // null while the function itself is called
    py::Ref coroutine;     // null likewise
  };
  std::unordered_map<const Task*, Running> running_;
  bool closing_ = false;
  bool is_reading_ = false;
  bool is_named_ = false;  // the thread has its name for the operating system
  std::string worker_name_;
  py::Ref steps_type_;
  py::Ref task_type_;  // asyncio.Task
  std::optional<py::Callback<HostedLoop>> on_mail_;
  std::optional<py::Callback<HostedLoop>> on_end_;
  py::Ref thread_;  // null if it was not started
};

}  // namespace aiointerpreters::pool
