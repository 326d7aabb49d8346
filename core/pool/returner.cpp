// See returner.h.
#include "pool/returner.h"

#include <algorithm>
#include <chrono>

namespace aiointerpreters::pool {

namespace {

// Whoever uses the engine takes back what is his at the next occasion, at no cost; a visit needs the interpreter's GIL.
constexpr std::chrono::milliseconds kGrace{50};

}  // namespace

void Returner::serve(const codec::LessorPtr& lessor) {
  lessor->set_bell(shared_from_this());
  base::Lock lock(mutex_);
  if (std::find_if(lessors_.begin(), lessors_.end(), [&](const auto& other) { return other.get() == lessor.get(); }) ==
      lessors_.end()) {
    lessors_.push_back(lessor);
  }
}

void Returner::forget(const codec::LessorPtr& lessor) noexcept {
  base::Lock lock(mutex_);
  std::erase_if(lessors_, [&](const auto& other) { return other.get() == lessor.get(); });
}

void Returner::ring() noexcept {
  if (rung_.exchange(true, std::memory_order_acq_rel)) return;
  base::Lock lock(mutex_);
  if (stopped_) return;
  if (thread_.started()) {
    parker_.unpark();
  } else if (!thread_.start([this] { run(); })) {
    rung_.store(false, std::memory_order_release);  // the next one tries again
  }
}

void Returner::stop() noexcept {
  {
    base::Lock lock(mutex_);
    stopped_ = true;
  }
  stopping_.store(true, std::memory_order_release);
  parker_.unpark();
  if (thread_.started()) thread_.join();  // nobody starts it any more
  base::Lock lock(mutex_);
  lessors_.clear();
}

void Returner::run() noexcept {
  while (!stopping_.load(std::memory_order_acquire)) {
    if (!rung_.load(std::memory_order_acquire)) {
      parker_.park();
      continue;
    }
    parker_.park(base::Clock::now() + kGrace);  // cut short by `stop` only
    if (stopping_.load(std::memory_order_acquire)) return;
    // Before the round: what comes back from now on rings again.
    rung_.store(false, std::memory_order_release);
    make_round();
  }
}

void Returner::make_round() {
  std::vector<codec::LessorPtr> lessors;
  {
    base::Lock lock(mutex_);
    lessors = lessors_;
  }
  for (const codec::LessorPtr& lessor : lessors) {
    if (lessor->has_returns()) lessor->visit_and_take_back();
  }
}

}  // namespace aiointerpreters::pool
