// See worker.h.
#include "pool/worker.h"

#include <new>
#include <utility>

namespace aiointerpreters::pool {

namespace {
// A run of calls into C never asks CPython whether another thread waits for the interpreter; so we do, now and then.
constexpr unsigned kTurn = 64;
}  // namespace

Worker::Worker(std::shared_ptr<Pool> pool, std::string name)
    : pool_(std::move(pool)),
      name_(std::move(name)),
      no_memory_(std::make_shared<const Breakage>(Breakage{"a worker's interpreter could not be made: no memory", {}})) {}

void Worker::run() {
  pool_->enter(seat_);
  TaskPtr done;  // has its outcome, but nobody knows yet
  for (;;) {
    // In this order, so that this worker counts as available before anybody can see that its task is done.
    TaskPtr task = pool_->take(seat_);
    if (done) task = publish(*std::exchange(done, {}), std::move(task));
    drop_leftovers();
    if (!task) {
      sides_.detach();
      tasks_in_a_row_ = 0;
      task = pool_->wait(seat_);
      if (!task) break;
    }
    if (!task->start()) {
      settle(*task, task->notify_cancelled());
      continue;
    }
    execute(*task);
    if (task->delivery_requested()) {
      settle(*task, task->finish());
    } else {
      done = std::move(task);
    }
  }
  if (hosted_) hosted_->end(sides_);
  pool_->leave(seat_);
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
    pool_->give_back(std::move(next));
  } else {
    pool_->withdraw(seat_);
  }
  settle(done, change);
  return pool_->take(seat_);
}

void Worker::execute(Task& task) {
  give_others_a_turn();
  try {
    if (task.side() == Task::Side::kHome) {
      sides_.attach_home();
      task.run_at_home();
    } else {
      execute_in_interpreter(task);
    }
  } catch (const std::bad_alloc&) {
    if (!hosted_ || !hosted_->ready()) breakage_ = no_memory_;
    task.outcome = Task::Outcome::kNoMemory;
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

void Worker::drop_leftovers() {
  if (!hosted_ || !hosted_->has_leftovers()) return;
  sides_.attach_own();
  hosted_->drop_leftovers();
}

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
