// See returner.h.
#include "pool/returner.h"

#include <chrono>

namespace aiointerpreters::pool {

namespace {

// Whoever uses the engine takes back what is his at the next occasion, at no cost; a visit needs the interpreter's GIL.
constexpr std::chrono::milliseconds kGrace{50};

}  // namespace

std::shared_ptr<Returner> Returner::serve(const codec::LessorPtr& lessor) {
  auto returner = std::make_shared<Returner>(lessor);
  lessor->set_bell(returner);
  return returner;
}

void Returner::ring() noexcept {
  base::Lock lock(mutex_);
  if (stopping_.load(std::memory_order_relaxed)) return;
  const bool has_been_rung = rung_.exchange(true, std::memory_order_acq_rel);
  if (thread_.running()) {
    if (!has_been_rung) parker_.unpark();
  } else if (!thread_.start([this] { run(); })) {
    rung_.store(false, std::memory_order_release);  // the next one tries again
  }
}

void Returner::stop() noexcept {
  {
    base::Lock lock(mutex_);
    stopping_.store(true, std::memory_order_release);
  }
  parker_.unpark();
  if (thread_.running()) thread_.join();
  lessor_->set_bell(nullptr);
}

void Returner::run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    if (!rung_.load(std::memory_order_acquire)) {
      parker_.park();
      continue;
    }
    parker_.park(base::Clock::now() + kGrace);  // cut short by `stop`
    if (stopping_.load(std::memory_order_acquire)) return;
    // Before the visit: what comes back from now on rings again. What has come back before is seen, as each ring before this
    // one happened before it.
    rung_.exchange(false, std::memory_order_acq_rel);
    if (lessor_->has_returns()) lessor_->visit_and_take_back();
  }
}

}  // namespace aiointerpreters::pool
