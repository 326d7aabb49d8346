// See hosted_loop.h.
#include "pool/hosted_loop.h"

#include <new>
#include <utility>

#include "base/coarse_clock.h"
#include "base/futex.h"
#include "base/thread.h"
#include "codec/codec.h"
#include "pool/glance.h"
#include "pool/hosted_interpreter.h"
#include "pool/pool.h"
#include "pool/steps.h"
#include "py/attach.h"
#include "py/call_stack.h"
#include "py/error.h"
#include "py/thread_starter.h"

namespace aiointerpreters::pool {

namespace {

// More calls than this take too long to describe, because the loop has to wait.
constexpr std::size_t kMostDescribed = 1000;

PyObject* on_mail(PyObject* capsule, PyObject* loop) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    HostedLoop* const hosted = py::Callback<HostedLoop>::target(capsule);
    if (hosted == nullptr) return nullptr;
    return PyBool_FromLong(hosted->read_mail(py::Ref::borrow(loop)));
  });
}

PyObject* on_end(PyObject* capsule, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    HostedLoop* const hosted = py::Callback<HostedLoop>::target(capsule);
    if (hosted == nullptr) return nullptr;
    hosted->end_all();
    Py_RETURN_NONE;
  });
}

}  // namespace

HostedLoop::HostedLoop(HostedInterpreter& host, Pool& pool, codec::Runtime& runtime, LoopPortPtr port,
                       TellerPtr teller) noexcept
    : host_(host), pool_(pool), runtime_(runtime), port_(std::move(port)), teller_(std::move(teller)) {}

bool HostedLoop::start(const std::string& worker_name) {
  worker_name_ = worker_name;
  static PyMethodDef mail = {"read_mail", on_mail, METH_O, nullptr};
  static PyMethodDef end = {"end", on_end, METH_O, nullptr};
  on_mail_.emplace(mail, this);
  on_end_.emplace(end, this);
  steps_type_ = make_steps_type();
  const py::Ref asyncio = py::Ref::steal(PyImport_ImportModule("asyncio"));
  if (asyncio) task_type_ = py::Ref::steal(PyObject_GetAttrString(asyncio.get(), "Task"));
  const py::Ref name =
      py::Ref::steal(PyUnicode_DecodeUTF8(worker_name.data(), static_cast<Py_ssize_t>(worker_name.size()), "surrogatepass"));
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._event_loop"));
  if (on_mail_->get() == nullptr || on_end_->get() == nullptr || !steps_type_ || !task_type_ || !name || !module) {
    return false;
  }
  if (port_->mailbox->fd() == base::Wakeup::kNone) {
    PyErr_SetString(PyExc_OSError, "no file descriptor is left for an event loop");
    return false;
  }
  const py::Ref thread = py::Ref::steal(PyObject_CallMethod(module.get(), "make_thread", "OiOO", name.get(),
                                                            port_->mailbox->fd(), on_mail_->get(), on_end_->get()));
  const py::Ref starter = thread ? py::find_thread_starter() : py::Ref();
  const py::Ref bootstrap = starter ? py::Ref::steal(PyObject_GetAttrString(thread.get(), "_bootstrap")) : py::Ref();
  const py::Ref handle = bootstrap ? py::Ref::steal(PyObject_GetAttrString(thread.get(), "handle")) : py::Ref();
  if (handle && py::start_thread(starter, bootstrap, handle.get())) {
    thread_ = py::Ref::borrow(thread.get());
    return true;
  }
  py::Ref error = py::take_exception();
  if (thread && !py::Ref::steal(PyObject_CallMethod(thread.get(), "abandon", nullptr))) PyErr_WriteUnraisable(thread.get());
  py::restore_exception(std::move(error));
  return false;
}

void HostedLoop::finish() {
  if (!thread_) return;
  closing_ = true;
  port_->mailbox->remind();
  if (runtime_.interruptible.stopping()) port_->interrupt_all();
  // An exception that is raised here is meant to stop this thread, so the loop is stopped too.
  while (!py::Ref::steal(PyObject_CallMethod(thread_.get(), "wait_for_end", nullptr))) {
    PyErr_Clear();
    port_->interrupt_all();
  }
  thread_.reset();
  end_all();  // needed if the thread could not even do that
  port_->close();
}

bool HostedLoop::read_mail(const py::Ref& loop) {
  if (is_reading_) {  // a function that was called from here runs the loop
    port_->mailbox->remind();
    return false;
  }
  is_reading_ = true;
  bool ends = false;
  try {
    if (!std::exchange(is_named_, true)) base::name_this_thread(worker_name_ + "_loop");
    ends = work_off_mail(loop);
  } catch (const std::bad_alloc&) {
    port_->mailbox->remind();  // try again later: there may be more memory then
  }
  is_reading_ = false;
  return ends;
}

bool HostedLoop::work_off_mail(const py::Ref& loop) {
  runtime_.loop_interruptible.begin_pass(running_.size());
  runtime_.lessor->take_back();
  port_->collect();
  const auto end = base::Clock::now() + kMailBudget;
  while (!port_->stopped()) {
    const TaskPtr task = port_->next_cancelled();
    if (!task) break;
    cancel(*task);
    if (base::Clock::now() < end) continue;
    port_->mailbox->remind();  // tasks that were cancelled in this pass end before others are cancelled
    return false;
  }
  while (!port_->stopped()) {
    const TaskPtr task = port_->next();
    if (!task) return closing_ && pool_.is_idle(*port_);
    begin(task, loop);
    if (base::Clock::now() < end) continue;
    port_->mailbox->remind();
    return false;
  }
  return true;
}

void HostedLoop::begin(const TaskPtr& task, const py::Ref& loop) {
  if (!task->start()) return publish_cancelled(task);
  task->began.store(base::coarse_milliseconds(), std::memory_order_relaxed);
  pool_.record(*task, Recorder::Event::kStarted);
  begin_step(*task, false);
  py::Ref asyncio_task = py::guarded(py::Ref(), [&] {
    running_.insert_or_assign(task.get(), Running{task, py::Ref(), py::Ref()});  // first: later nothing may fail
    return make_asyncio_task(task, loop);
  });
  caller_.leave_context();
  if (!asyncio_task) note_refusal(*task);
  if (!asyncio_task) return end_task(task, py::Ref());
  end_step();
  running_.find(task.get())->second.asyncio_task = std::move(asyncio_task);
  runtime_.loop_interruptible.begin_between(running_.size());
}

py::Ref HostedLoop::make_asyncio_task(const TaskPtr& task, const py::Ref& loop) {
  if (task->interrupted()) return PyErr_SetNone(runtime_.task_interrupted.get()), py::Ref();
  const py::Ref coroutine = host_.prepare(*task) ? caller_.call(runtime_, *task) : py::Ref();
  caller_.drop_arguments();
  if (coroutine) running_.find(task.get())->second.coroutine = py::Ref::borrow(coroutine.get());
  const py::Ref steps = coroutine ? make_steps(steps_type_, *this, task, coroutine) : py::Ref();
  // Created without the loop's task factory, because calls may have replaced it.
  const py::Ref args = steps ? py::Ref::steal(PyTuple_Pack(1, steps.get())) : py::Ref();
  const py::Ref kwargs = args ? py::Ref::steal(Py_BuildValue("{sO}", "loop", loop.get())) : py::Ref();
  return kwargs ? py::Ref::steal(PyObject_Call(task_type_.get(), args.get(), kwargs.get())) : py::Ref();
}

void HostedLoop::describe(std::vector<Activity>& activities) const {
  const py::Interruptible& thread = runtime_.loop_interruptible;
  const bool is_idle = thread.runs_code_of({"aiointerpreters", "asyncio", "selectors"});
  if (thread.what() == nullptr && thread.state() != nullptr && !is_idle) {
    Activity& activity = activities.emplace_back();
    activity.kind = Activity::Kind::kLoop;
    activity.stack = py::call_stack(thread.state());
  }
  std::size_t room = kMostDescribed;
  for (const auto& [task, running] : running_) {
    if (room-- == 0) break;
    Activity& activity = activities.emplace_back();
    activity.kind = Activity::Kind::kLoopCall;
    activity.name = name_of_call(*task);
    activity.since = task->began.load(std::memory_order_relaxed);
    activity.is_waiting = !thread.does(task);
    PyObject* const coroutine = running.coroutine.get();  // null: its function is called now
    if (!activity.is_waiting) {
      activity.stack = py::call_stack(thread.state(), py::frame_of_coroutine(coroutine));
    } else if (coroutine != nullptr) {
      activity.stack = py::coroutine_stack(coroutine);
    }
  }
}

void HostedLoop::cancel(Task& task) {
  const auto found = running_.find(&task);
  if (found == running_.end() || !found->second.asyncio_task) return;  // it has ended, or has no asyncio task yet
  task.cancelling.pass = runtime_.loop_interruptible.passes();
  const py::Ref asyncio_task = py::Ref::borrow(found->second.asyncio_task.get());
  if (!py::Ref::steal(PyObject_CallMethod(asyncio_task.get(), "cancel", nullptr))) PyErr_WriteUnraisable(asyncio_task.get());
}

void HostedLoop::begin_step(const Task& task, bool told) noexcept {
  runtime_.loop_interruptible.begin(&task);
  if (told) runtime_.loop_interruptible.note_told();
}

void HostedLoop::end_step() {
  py::Ref error = py::take_exception();
  runtime_.loop_interruptible.end();
  py::restore_exception(std::move(error));
}

void HostedLoop::end_task(const TaskPtr& task, py::Ref result) {
  if (task->done()) {
    PyErr_Clear();
    return runtime_.loop_interruptible.end();
  }
  encode_outcome(runtime_, runtime_.loop_interruptible, *task, result);
  if (has_shared_outcome(*task)) {
    result.reset();
    settle_outcome(runtime_, *task);
  }
  const auto running = running_.extract(task.get());
  runtime_.loop_interruptible.begin_between(running_.size());
  if (port_->stopped()) static_cast<void>(task->request_interrupt());
  count_out();
  tell(task, task->is_refused ? Task::Change::kDeliver : task->finish());
}

void HostedLoop::publish_cancelled(const TaskPtr& task) {
  count_out();
  tell(task, task->notify_cancelled());
}

void HostedLoop::count_out() noexcept {
  pool_.count_out(*port_);
  if (closing_) port_->mailbox->remind();
}

void HostedLoop::tell(const TaskPtr& task, Task::Change change) {
  pool_.record(*task, Recorder::Event::kEnded);
  if (!task->is_refused && !task->needs_home(change)) return;
  // kMail, for a loop at home without a descriptor, calls no user code, so it needs no teller.
  if (change == Task::Change::kDeliver && teller_->tell(task)) return;
  py::detached([&] {
    task->visit_home_to_settle(change);
    return 0;
  });
}

void HostedLoop::end_all() {
  TaskList mail = pool_.retire(*port_);
  while (port_->next_cancelled()) {
  }
  while (!running_.empty()) {
    const TaskPtr task = running_.extract(running_.begin()).mapped().task;
    if (!task->done()) end_interrupted(task);
  }
  while (const TaskPtr task = mail.pop()) {
    if (task->start()) {
      end_interrupted(task);
    } else {
      publish_cancelled(task);
    }
  }
  runtime_.loop_interruptible.leave();
}

void HostedLoop::end_interrupted(const TaskPtr& task) {
  PyErr_SetNone(runtime_.task_interrupted.get());
  end_task(task, py::Ref());
}

}  // namespace aiointerpreters::pool
