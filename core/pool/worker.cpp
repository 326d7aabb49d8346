// See worker.h.
#include "pool/worker.h"

#include <utility>

namespace aiointerpreters::pool {

namespace {
// A run of calls into C never asks CPython whether another thread waits for the interpreter; so we do, now and then.
constexpr unsigned kTurn = 64;
}  // namespace

Worker::Worker(std::shared_ptr<Pool> pool, std::string name) : pool_(std::move(pool)), name_(std::move(name)) {
  pool_->enter(seat_);
}

void Worker::run() {
  TaskPtr done;  // has its outcome, but nobody knows yet
  for (;;) {
    // In this order, so that this worker counts as available before anybody can see that its task is done.
    TaskPtr task = pool_->take(seat_);
    if (done) finish(*std::exchange(done, {}));
    if (!task) {
      sides_.detach();
      tasks_in_a_row_ = 0;
      task = pool_->wait(seat_);
      if (!task) break;
    }
    if (!task->start()) {
      drop_cancelled(*task);
      continue;
    }
    execute(*task);
    // A delivery may take as long as home's GIL is taken; it must not hold up a task that is already taken.
    if (task->delivery_requested()) {
      finish(*task);
    } else {
      done = std::move(task);
    }
  }
  if (hosted_) hosted_->end(sides_);
  pool_->leave(seat_);
  sides_.attach_home();
}

void Worker::execute(Task& task) {
  give_others_a_turn();
  if (task.side() == Task::Side::kHome) {
    sides_.attach_home();
    task.run_at_home();
  } else {
    execute_in_interpreter(task);
  }
}

void Worker::execute_in_interpreter(Task& task) {
  if (!hosted_) {
    hosted_ = std::make_unique<HostedInterpreter>(*pool_);
    sides_.attach_home();
    codec::Message cause;
    std::string failure = hosted_->create(sides_, name_, cause);
    if (!failure.empty()) break_pool(std::move(failure), std::move(cause));
  }
  if (breakage_) {
    task.breakage = breakage_;
    task.outcome = Task::Outcome::kBroken;
    return;
  }
  sides_.attach_own();
  hosted_->execute(task);
}

void Worker::finish(Task& task) { settle(task, task.finish()); }

void Worker::drop_cancelled(Task& task) { settle(task, task.notify_cancelled()); }

void Worker::settle(Task& task, Task::Change change) {
  const bool deliver = change == Task::Change::kDeliver;
  if (!deliver && task.side() == Task::Side::kWorker) return;
  sides_.attach_home();
  task.settle_at_home(deliver);
}

void Worker::break_pool(std::string reason, codec::Message cause) {
  breakage_ = std::make_shared<const Breakage>(Breakage{std::move(reason), std::move(cause)});
  for (TaskPtr& task : pool_->break_down(breakage_)) settle(*task, task->end_broken(breakage_));
}

void Worker::give_others_a_turn() {
  if (++tasks_in_a_row_ < kTurn) return;
  tasks_in_a_row_ = 0;
  sides_.detach();
}

}  // namespace aiointerpreters::pool
