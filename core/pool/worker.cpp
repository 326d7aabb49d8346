// See worker.h.
#include "pool/worker.h"

#include <new>
#include <utility>

#include "base/coarse_clock.h"
#include "base/thread.h"

namespace aiointerpreters::pool {

namespace {
// A series of calls into C never checks whether another thread waits for the GIL. So the worker lets others have it after
// this many tasks.
constexpr unsigned kTasksInARow = 64;
}  // namespace

Worker::Worker(std::shared_ptr<Pool> pool, std::string name)
    : pool_(std::move(pool)),
      name_(std::move(name)),
      forks_(*pool_->options().forks),
      seat_(pool_->enter(PyThread_get_thread_ident())) {}

void Worker::run() {
  base::name_this_thread(name_);  // `threading` would cut off its end
  for (Next next = Next::kAgain; next != Next::kLeave;) {
    next = hosted_ && py::kIdleThreadsNeedFrames ? serve_in_frame() : serve_once(false);
    if (next == Next::kOutside) next = serve_once(false);
    if (is_forked()) return leave_to_parent();
  }
  end_interpreter();
  finish_telling();
  pool_->leave(seat_);
  sides_.attach_home();
}

Worker::Next Worker::serve_in_frame() {
  Next next = Next::kAgain;
  sides_.attach_own();
  hosted_->frame().run([&]() noexcept {
    while (next == Next::kAgain) next = serve_once(true);
    sides_.attach_own();
  });
  return next;
}

Worker::Next Worker::serve_once(bool in_frame) {
  try {
    return serve(in_frame);
  } catch (const std::bad_alloc&) {
    recover();
    return Next::kAgain;
  }
}

Worker::Next Worker::serve(bool in_frame) {
  // In this order, so that this worker counts as available before another thread can see that its task is done.
  if (seat_.duty == Seat::Duty::kBusy && !task_ && !untold_ && seat_.errand == Seat::Errand::kNone)
    take_next([this] { return pool_->take(seat_); });
  if (done_) publish();
  if (untold_) return in_frame ? Next::kOutside : tell_home();
  if (drop_leftovers()) return Next::kAgain;
  if (!failed_broadcasts_.empty()) return in_frame ? Next::kOutside : log_failed_broadcasts();
  if (seat_.errand != Seat::Errand::kNone) return in_frame ? Next::kOutside : run_errand();
  if (!task_) {
    sides_.detach();
    tasks_in_a_row_ = 0;
    take_next([this] { return pool_->wait(seat_); });
    return task_ || seat_.errand != Seat::Errand::kNone ? Next::kAgain : Next::kLeave;
  }
  if (in_frame && task_->lane == Lane::kHome) return Next::kOutside;
  run_task();
  return Next::kAgain;
}

void Worker::recover() {
  if (sides_.side() != py::ThreadSides::Side::kNone) PyErr_Clear();
  const TaskPtr task = std::exchange(task_, {});
  if (!task) return;
  shown_ = task;
  task->outcome = Task::Outcome::kNoMemory;
  if (task->start() || !task->done()) tell_later(task, task->finish());
}

// ---- Tasks

void Worker::run_task() {
  const TaskPtr task = task_;
  if (!task->start()) {  // it was cancelled
    shown_ = std::exchange(task_, {});
    tell_later(task, task->notify_cancelled());
    pool_->record(*task, Recorder::Event::kEnded);
    return;
  }
  task->began.store(base::coarse_milliseconds(), std::memory_order_relaxed);
  pool_->record(*task, Recorder::Event::kStarted);
  execute(*task);
  if (is_forked()) return;
  if (task->is_refused) {
    pool_->record(*task, Recorder::Event::kEnded);
    untold_ = std::exchange(task_, {});
    return;
  }
  done_ = std::exchange(task_, {});
  if (!done_->delivery_requested()) return;
  shown_ = done_;
  publish();
}

void Worker::execute(Task& task) {
  give_others_a_turn();
  bool has_memory = true;
  if (task.lane == Lane::kHome) {
    has_memory = visit_home([&] { task.run_at_home(); });
  } else {
    sides_.attach_own();
    try {
      hosted_->execute(task);
    } catch (const std::bad_alloc&) {
      PyErr_Clear();
      has_memory = false;
    }
  }
  if (!has_memory) task.outcome = Task::Outcome::kNoMemory;
}

void Worker::publish() {
  const TaskPtr done = std::exchange(done_, {});
  // The thread that waits for the task needs home's GIL next.
  if (!task_ && done->has_left_home) sides_.detach();
  const Task::Change change = done->finish();
  pool_->record(*done, Recorder::Event::kEnded);
  tell_later(done, change);
}

void Worker::tell_later(const TaskPtr& task, Task::Change change) {
  if (!task->needs_home(change)) return;
  untold_ = task;
  untold_change_ = change;
}

Worker::Next Worker::tell_home() {
  step_aside();
  const TaskPtr task = std::exchange(untold_, {});
  static_cast<void>(visit_home([&] { task->is_refused ? task->move_elsewhere() : task->settle_at_home(untold_change_); }));
  return Next::kAgain;
}

void Worker::settle(Task& task, Task::Change change) {
  if (!task.needs_home(change)) return;
  static_cast<void>(visit_home([&] { task.settle_at_home(change); }));
}

void Worker::step_aside() {
  if (task_) {
    pool_->give_back(seat_, std::exchange(task_, {}));
  } else if (seat_.duty == Seat::Duty::kSearching) {
    pool_->withdraw(seat_);
  }
}

bool Worker::drop_leftovers() {
  if (!hosted_ || !hosted_->has_leftovers()) return false;
  sides_.attach_own();
  const bool is_long = !hosted_->leftovers_are_inert();
  if (is_long) step_aside();
  hosted_->drop_leftovers();
  return is_long;
}

void Worker::end_broken(TaskList tasks, const std::shared_ptr<const Breakage>& why) {
  while (const TaskPtr task = tasks.pop()) settle(*task, task->end_broken(why));
}

void Worker::give_others_a_turn() {
  if (++tasks_in_a_row_ < kTasksInARow) return;
  tasks_in_a_row_ = 0;
  sides_.detach();
}

// ---- Errands

Worker::Next Worker::run_errand() {
  switch (seat_.errand) {
    case Seat::Errand::kMakeInterpreter:
      become_host();
      break;
    case Seat::Errand::kOpenLoop:
      open_loop();
      break;
    case Seat::Errand::kRest:
      end_interpreter();
      pool_->step_down(seat_);
      break;
    case Seat::Errand::kEndAddressed:
      static_cast<void>(visit_home([&] { cancel_addressed(); }));
      break;
    case Seat::Errand::kNone:
      break;
  }
  return Next::kAgain;
}

void Worker::become_host() {
  std::shared_ptr<const Breakage> why;
  const HostedInterpreter::Created created = make_interpreter(why);
  if (created != HostedInterpreter::Created::kReady) static_cast<void>(give_up_host(created, why));
}

void Worker::open_loop() {
  const LoopPortPtr port = pool_->open_loop(seat_);
  std::shared_ptr<const Breakage> why;
  HostedInterpreter::Created created = HostedInterpreter::Created::kReady;
  if (!hosted_) {
    created = make_interpreter(why);
  }
  if (created != HostedInterpreter::Created::kReady) {
    TaskList mail = pool_->retire(*port);
    const bool are_others = give_up_host(created, why);
    while (const TaskPtr task = mail.pop()) {
      Pool::Submitted again = Pool::Submitted::kRefused;
      try {
        if (are_others) again = pool_->submit(task);
      } catch (const std::bad_alloc&) {
        again = Pool::Submitted::kRefused;
      }
      if (again == Pool::Submitted::kRefused) settle(*task, task->end_broken(why));
      if (again == Pool::Submitted::kNeedsThread) static_cast<void>(pool_->thread_failed());  // the other hosts have to do
    }
    return;
  }
  sides_.attach_own();
  why = pool_->no_memory();
  try {
    auto breakage = std::make_shared<Breakage>();
    if (!teller_) teller_ = std::make_shared<Teller>();
    if (hosted_->open_loop(port, teller_, name_, *breakage)) return;
    why = std::move(breakage);
  } catch (const std::bad_alloc&) {
    PyErr_Clear();
  }
  TaskList mail = pool_->retire(*port);
  port->close();
  end_broken(std::move(mail), why);
}

HostedInterpreter::Created Worker::make_interpreter(std::shared_ptr<const Breakage>& why) {
  sides_.attach_home();
  why = pool_->no_memory();
  try {
    auto breakage = std::make_shared<Breakage>();
    hosted_ = std::make_unique<HostedInterpreter>(*pool_, seat_);
    HostedInterpreter::Created created = hosted_->create(sides_, name_, *breakage);
    while (created == HostedInterpreter::Created::kReady) {
      const BroadcastPtr broadcast = pool_->interpreter_made(seat_);
      if (!broadcast) break;
      created = hosted_->run_broadcast(*broadcast, *breakage);
      if (created == HostedInterpreter::Created::kReady) static_cast<void>(broadcast->verdict.succeed());
      if (created != HostedInterpreter::Created::kBroadcastFailed) continue;
      failed_broadcasts_.push_back(breakage);
      if (!broadcast->verdict.fail(std::exchange(breakage, std::make_shared<Breakage>()))) {
        why = std::move(failed_broadcasts_.back());
        failed_broadcasts_.pop_back();
        return created;
      }
      pool_->withdraw_broadcast(broadcast->id);
      created = HostedInterpreter::Created::kReady;
    }
    why = std::move(breakage);
    return created;
  } catch (const std::bad_alloc&) {
    PyErr_Clear();
    return HostedInterpreter::Created::kNoInterpreter;
  }
}

bool Worker::give_up_host(HostedInterpreter::Created created, const std::shared_ptr<const Breakage>& why) {
  end_interpreter();
  TaskList left;
  const bool are_others = pool_->interpreter_failed(seat_, why, left);
  bool is_broken = true;
  switch (created) {
    case HostedInterpreter::Created::kPreloadFailed:
      left.append(break_down("Exception in preload:", why, Pool::Scope::kInterpreters));
      break;
    case HostedInterpreter::Created::kInitializerFailed:
      left.append(break_down("Exception in initializer:", why, Pool::Scope::kAll));
      break;
    case HostedInterpreter::Created::kBroadcastFailed:
      log_failure("Exception in broadcast:", *why);
      is_broken = !are_others;
      break;
    case HostedInterpreter::Created::kNoInterpreter:
    case HostedInterpreter::Created::kStopped:
    case HostedInterpreter::Created::kReady:
      is_broken = !are_others;
      if (are_others && created == HostedInterpreter::Created::kNoInterpreter) warn_of_fewer_hosts(*why);
  }
  end_broken(std::move(left), why);
  return !is_broken;
}

TaskList Worker::break_down(const char* title, const std::shared_ptr<const Breakage>& why, Pool::Scope scope) {
  log_failure(title, *why);
  return pool_->break_down(why, scope);
}

Worker::Next Worker::log_failed_broadcasts() {
  step_aside();
  for (const auto& why : std::exchange(failed_broadcasts_, {})) log_failure("Exception in broadcast:", *why);
  return Next::kAgain;
}

void Worker::log_failure(const char* title, const Breakage& why) {
  static_cast<void>(visit_home([&] { pool_->options().log_failure(title, why); }));
}

void Worker::warn_of_fewer_hosts(const Breakage& why) {
  try {
    pool_->options().log_warning(why.reason + "; tasks wait for the existing interpreters");
  } catch (const std::bad_alloc&) {
    return;  // the task is more important than the warning
  }
}

void Worker::end_interpreter() {
  if (!hosted_) return;
  pool_->begin_ending(seat_);
  hosted_->end(sides_);
  hosted_.reset();
}

void Worker::finish_telling() {
  if (!teller_) return;
  pool_->step_down(seat_);  // first: then a callback that forks does not wait for an interpreter that has ended
  sides_.detach();
  teller_->finish();
}

// ---- Home

template <typename Body>
bool Worker::visit_home(Body&& body) {
  const bool lends = hosted_ && pool_->lend(seat_, *this);
  if (hosted_ && !lends) {  // a fork waits for the interpreter's end
    end_interpreter();
    pool_->step_down(seat_);
  }
  sides_.attach_home();
  bool has_memory = true;
  try {
    body();
  } catch (const std::bad_alloc&) {
    PyErr_Clear();  // done here, where the thread is certainly attached
    has_memory = false;
  }
  if (!lends || is_forked() || pool_->try_reclaim(seat_)) return has_memory;
  sides_.detach();
  pool_->wait_to_reclaim(seat_);  // if the interpreter has ended, `end_lent` has removed it
  return has_memory;
}

bool Worker::end_lent() {
  py::ThreadSides guest;
  if (!guest.take_over(sides_)) return false;
  hosted_->end(guest);
  hosted_.reset();
  guest.attach_home();
  return true;
}

void Worker::run_addressed() {
  Task* const outer = seat_.current;  // only this thread changes it
  do {
    if (!pool_->try_reclaim(seat_)) {
      sides_.detach();
      pool_->wait_to_reclaim(seat_);
      sides_.attach_home();
    }
    const TaskPtr task = hosted_ ? pool_->take_next_addressed(seat_, outer) : TaskPtr();
    Task::Change change = Task::Change::kQuiet;
    if (task) change = run_at_once(*task);
    if (hosted_ && !pool_->lend(seat_, *this)) {  // a fork waits for the interpreter's end
      end_interpreter();
      pool_->step_down(seat_);
      sides_.attach_home();
    }
    if (!task) break;
    if (task->needs_home(change)) task->settle_at_home(change);
  } while (!is_forked());
  if (!hosted_ && !is_forked()) cancel_addressed();
}

Task::Change Worker::run_at_once(Task& task) {
  if (!task.start()) return task.notify_cancelled();
  task.began.store(base::coarse_milliseconds(), std::memory_order_relaxed);
  pool_->record(task, Recorder::Event::kStarted);
  sides_.attach_own();
  try {
    if (hosted_->has_leftovers()) hosted_->drop_leftovers();
    hosted_->execute(task);
    hosted_->drop_leftovers();
  } catch (const std::bad_alloc&) {
    PyErr_Clear();
    task.outcome = Task::Outcome::kNoMemory;
  }
  sides_.attach_home();
  const Task::Change change = task.finish();
  pool_->record(task, Recorder::Event::kEnded);
  return change;
}

void Worker::cancel_addressed() {
  TaskList tasks = pool_->take_addressed(seat_);
  while (const TaskPtr task = tasks.pop()) task->cancel_at_home();
}

void Worker::leave_to_parent() {
  static_cast<void>(task_.release());
  static_cast<void>(done_.release());
  static_cast<void>(untold_.release());
  static_cast<void>(shown_.release());
  static_cast<void>(hosted_.release());
  sides_.attach_home();
}

}  // namespace aiointerpreters::pool
