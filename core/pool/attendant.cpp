// See attendant.h.
#include "pool/attendant.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace aiointerpreters::pool {

namespace {

// Whoever uses the engine takes back what is his at the next occasion, at no cost; a visit needs the interpreter's GIL.
constexpr std::chrono::milliseconds kGrace{50};
// So often a visitor looks after a task that has been interrupted.
constexpr std::chrono::milliseconds kLookInterval{100};
// A task that goes on for so long after its interrupt will not stop by itself.
constexpr std::chrono::seconds kPatience{5};

bool is_over(const base::Deadline& deadline) { return deadline && base::Clock::now() >= *deadline; }

base::Deadline earlier(const base::Deadline& one, const base::Deadline& other) {
  return one && other ? std::min(one, other) : one ? one : other;
}

}  // namespace

std::shared_ptr<Attendant> Attendant::serve(codec::Runtime& runtime) {
  auto attendant = std::make_shared<Attendant>(runtime);
  runtime.lessor->set_bell(attendant);
  return attendant;
}

bool Attendant::call(std::atomic<bool>& errand) noexcept {
  if (stopping_.load(std::memory_order_relaxed)) return true;
  const bool was_called = errand.exchange(true, std::memory_order_acq_rel);
  if (thread_.running()) {
    if (!was_called) parker_.unpark();
    return true;
  }
  return thread_.start([this] { run(); });
}

void Attendant::ring() noexcept {
  base::Lock lock(mutex_);
  if (!call(returns_)) returns_.store(false, std::memory_order_release);  // the next one tries again
}

bool Attendant::interrupt(TaskPtr task) noexcept {
  base::Lock lock(mutex_);
  target_ = std::move(task);
  return call(interrupt_);
}

bool Attendant::interrupt_all() noexcept {
  base::Lock lock(mutex_);
  return call(interrupt_all_);
}

void Attendant::halt() noexcept {
  {
    base::Lock lock(mutex_);
    stopping_.store(true, std::memory_order_release);
  }
  parker_.unpark();
  if (thread_.running()) thread_.join();
}

void Attendant::stop() noexcept {
  halt();
  lessor_->set_bell(nullptr);
}

void Attendant::pause() noexcept {
  halt();
  base::Lock lock(mutex_);
  stopping_.store(false, std::memory_order_release);
}

TaskPtr Attendant::take_target() noexcept {
  base::Lock lock(mutex_);
  return std::move(target_);
}

void Attendant::run() {
  base::Deadline returns_at;
  while (!stopping_.load(std::memory_order_acquire)) {
    // Each flag is lowered before its visit: what is asked for from then on raises it again, and what was asked for before is
    // seen inside.
    if (interrupt_.load(std::memory_order_acquire) || interrupt_all_.load(std::memory_order_acquire)) {
      visit_to_interrupt();
    } else if (is_over(look_at_)) {
      look_after_interrupted();
    } else if (is_over(returns_at)) {
      returns_at.reset();
      returns_.exchange(false, std::memory_order_acq_rel);
      if (lessor_->has_returns()) lessor_->door().visit([this] { lessor_->take_back(); });
    } else if (!returns_at && returns_.load(std::memory_order_acquire)) {
      returns_at = base::Clock::now() + kGrace;
    } else {
      parker_.park(earlier(returns_at, look_at_));  // cut short by `stop`
    }
  }
}

void Attendant::visit_to_interrupt() {
  interrupt_.exchange(false, std::memory_order_acq_rel);
  const bool all = interrupt_all_.exchange(false, std::memory_order_acq_rel);
  TaskPtr target = take_target();
  lessor_->door().visit([&] {
    PyObject* const exception = runtime_.task_interrupted.get();
    if (target) runtime_.interruptible.interrupt(target.get(), exception);
    if (all) runtime_.interruptible.stop(exception);
  });
  if (!target) return;
  const auto now = base::Clock::now();
  look_at_ = now + kLookInterval;
  if (interrupted_.get() == target.get()) return;  // asked for again: its patience runs already
  interrupted_ = std::move(target);
  report_at_ = now + kPatience;
}

void Attendant::look_after_interrupted() {
  look_at_.reset();
  if (interrupted_->done()) {
    interrupted_ = {};
    return;
  }
  if (is_over(report_at_)) {
    report_at_.reset();
    interrupted_->report_ignored_interrupt();
  }
  lessor_->door().visit([this] { runtime_.interruptible.insist(interrupted_.get(), runtime_.task_interrupted.get()); });
  look_at_ = base::Clock::now() + kLookInterval;
}

}  // namespace aiointerpreters::pool
