// See attendant.h.
#include "pool/attendant.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace aiointerpreters::pool {

namespace {

// Whoever uses the engine takes back what is his at the next occasion, at no cost; a visit needs the interpreter's GIL.
constexpr std::chrono::milliseconds kGrace{50};
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

bool Attendant::interrupt(TaskPtr task) noexcept { return add(std::move(task), false); }

bool Attendant::watch(TaskPtr task) noexcept { return add(std::move(task), true); }

bool Attendant::add(TaskPtr task, bool in_loop) noexcept {
  base::Lock lock(mutex_);
  try {
    added_.emplace_back(std::move(task), in_loop);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return call(interrupt_);
}

bool Attendant::interrupt_all() noexcept {
  base::Lock lock(mutex_);
  return call(interrupt_all_);
}

void Attendant::set_loop(LoopPortPtr loop) noexcept {
  base::Lock lock(mutex_);
  loop_.swap(loop);
}

LoopPortPtr Attendant::loop() noexcept {
  base::Lock lock(mutex_);
  return loop_;
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

std::vector<Target> Attendant::take_added() noexcept {
  base::Lock lock(mutex_);
  return std::exchange(added_, {});
}

void Attendant::run() {
  base::Deadline returns_at;
  while (!stopping_.load(std::memory_order_acquire)) {
    // Each flag is lowered before its visit: what is asked for from then on raises it again, and what was asked for before is
    // seen inside.
    if (interrupt_.load(std::memory_order_acquire) || interrupt_all_.load(std::memory_order_acquire)) {
      visit_to_interrupt();
    } else if (base::is_over(look_at_)) {
      look_after_interrupted();
    } else if (base::is_over(returns_at)) {
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
  std::vector<Target> added = take_added();
  lessor_->door().visit([&] { targets_.raise_in(added, all); });
  remind_loop();
  targets_.add(std::move(added));
  look_at_ = targets_.next_look();
}

void Attendant::look_after_interrupted() {
  look_at_.reset();
  if (!targets_.review(loop() != nullptr)) return;
  lessor_->door().visit([this] { targets_.insist(); });
  remind_loop();
  look_at_ = targets_.next_look();
}

void Attendant::remind_loop() {
  if (const LoopPortPtr port = loop()) port->mailbox->remind();
}

}  // namespace aiointerpreters::pool
