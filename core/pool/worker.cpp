// See worker.h.
#include "pool/worker.h"

#include <new>
#include <utility>

namespace aiointerpreters::pool {

namespace {
// A run of calls into C never asks CPython whether another thread waits for the interpreter; so we do, now and then.
constexpr unsigned kTurn = 64;
}  // namespace

Worker::Worker(std::shared_ptr<Pool> pool, std::string name) : pool_(std::move(pool)), name_(std::move(name)) {}

void Worker::run() {
  pool_->enter(seat_);
  TaskPtr done;  // has its outcome, but nobody knows yet
  for (;;) {
    // In this order, so that this worker counts as available before anybody can see that its task is done.
    TaskPtr task = pool_->take(seat_);
    if (done) task = publish(*std::exchange(done, {}), std::move(task));
    if (forked_) return leave_to_parent(std::move(task));
    drop_leftovers();
    if (seat_.must_open_loop) {
      open_loop();
      continue;
    }
    if (!task) {
      sides_.detach();
      tasks_in_a_row_ = 0;
      task = pool_->wait(seat_);
      if (seat_.must_open_loop) {
        open_loop();
        continue;
      }
      if (!task && !seat_.must_rest) break;
      if (!task) {
        end_interpreter();
        pool_->step_down(seat_);
        continue;
      }
    }
    // Before the task starts: up to here it can be cancelled, or run by another worker.
    if (task->side() == Task::Side::kWorker && !hosted_ && !task->done() && !make_host(task)) continue;
    if (!task->start()) {
      settle(*task, task->notify_cancelled());
      if (forked_) return leave_to_parent(std::move(task));
      continue;
    }
    execute(*task);
    if (forked_) return leave_to_parent(std::move(task));
    if (task->delivery_requested()) {
      settle(*task, task->finish());
      if (forked_) return leave_to_parent(std::move(task));
    } else {
      done = std::move(task);
    }
  }
  end_interpreter();
  pool_->leave(seat_);
  sides_.attach_home();
}

void Worker::leave_to_parent(TaskPtr task) {
  static_cast<void>(task.release());
  sides_.attach_home();
}

void Worker::rest() {
  if (!hosted_) return;
  end_interpreter();
  pool_->step_down(seat_);
  sides_.attach_home();
}

TaskPtr Worker::publish(Task& done, TaskPtr next) {
  const Task::Change change = done.finish();
  const bool delivers = change == Task::Change::kDeliver;
  const bool busy_at_home = delivers || (done.side() == Task::Side::kHome && !next);
  if (!busy_at_home) {
    settle(done, change);
    return next;
  }
  // Python code at home may take long, and may even wait for the next task: nobody shall count on this worker meanwhile.
  if (next) {
    pool_->give_back(seat_, std::move(next));
  } else {
    pool_->withdraw(seat_);
  }
  settle(done, change);
  return forked_ ? TaskPtr() : pool_->take(seat_);
}

bool Worker::make_host(TaskPtr& task) {
  auto breakage = std::make_shared<Breakage>();
  const HostedInterpreter::Created created = make_interpreter(*breakage);
  if (created == HostedInterpreter::Created::kReady) return true;
  if (give_up_host(created, breakage)) {
    pool_->give_back(seat_, std::move(task));
  } else {
    settle(*task, task->end_broken(breakage));
  }
  return false;
}

bool Worker::give_up_host(HostedInterpreter::Created created, const std::shared_ptr<const Breakage>& breakage) {
  end_interpreter();
  sides_.attach_home();
  const bool others = pool_->host_failed(seat_);
  if (created == HostedInterpreter::Created::kNoInterpreter && others) {
    pool_->options().log_warning(breakage->reason + "; tasks wait for the interpreters that there are");
    return true;
  }
  const bool initializer_failed = created == HostedInterpreter::Created::kInitializerFailed;
  if (initializer_failed) pool_->options().log_initializer_failure(*breakage);
  break_pool(breakage, initializer_failed ? Pool::Scope::kAll : Pool::Scope::kWorkerSide);
  return false;
}

void Worker::open_loop() {
  const LoopPortPtr port = pool_->open_loop(seat_);
  auto breakage = std::make_shared<Breakage>();
  HostedInterpreter::Created created = HostedInterpreter::Created::kReady;
  if (!hosted_) created = make_interpreter(*breakage);
  if (created != HostedInterpreter::Created::kReady) {
    TaskList mail = pool_->retire(*port);
    const bool others = give_up_host(created, breakage);
    while (TaskPtr task = mail.pop()) {
      const Pool::Submitted again = others ? pool_->submit_to_loop(task) : Pool::Submitted::kRefused;
      if (again == Pool::Submitted::kRefused) settle(*task, task->end_broken(breakage));
      if (again == Pool::Submitted::kNeedsThread) static_cast<void>(pool_->thread_failed());  // the others will do
    }
    return;
  }
  sides_.attach_own();
  if (hosted_->open_loop(port, name_, *breakage)) return;
  TaskList mail = pool_->retire(*port);
  port->close();
  while (TaskPtr task = mail.pop()) settle(*task, task->end_broken(breakage));
}

HostedInterpreter::Created Worker::make_interpreter(Breakage& breakage) {
  sides_.attach_home();
  try {
    hosted_ = std::make_unique<HostedInterpreter>(*pool_, seat_);
    return hosted_->create(sides_, name_, breakage);
  } catch (const std::bad_alloc&) {
    breakage.reason = "a worker's interpreter could not be made: no memory";
    return HostedInterpreter::Created::kNoInterpreter;
  }
}

void Worker::end_interpreter() {
  if (hosted_) hosted_->end(sides_);
  hosted_.reset();
}

void Worker::execute(Task& task) {
  give_others_a_turn();
  try {
    if (task.side() == Task::Side::kHome) {
      sides_.attach_home();
      task.run_at_home();
    } else {
      sides_.attach_own();
      hosted_->execute(task);
    }
  } catch (const std::bad_alloc&) {
    task.outcome = Task::Outcome::kNoMemory;
  }
}

void Worker::drop_leftovers() {
  if (!hosted_ || !hosted_->has_leftovers()) return;
  sides_.attach_own();
  hosted_->drop_leftovers();
}

void Worker::settle(Task& task, Task::Change change) {
  if (!task.needs_home(change)) return;
  sides_.attach_home();
  task.settle_at_home(change);
}

void Worker::break_pool(const std::shared_ptr<const Breakage>& breakage, Pool::Scope scope) {
  for (TaskPtr& task : pool_->break_down(breakage, scope)) settle(*task, task->end_broken(breakage));
}

void Worker::give_others_a_turn() {
  if (++tasks_in_a_row_ < kTurn) return;
  tasks_in_a_row_ = 0;
  sides_.detach();
}

}  // namespace aiointerpreters::pool
