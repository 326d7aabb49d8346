// See visitor.h.
#include "pool/visitor.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

namespace aiointerpreters::pool {

namespace {

// Code that uses the engine takes back its lent objects itself, at no cost. A visit needs the interpreter's GIL, so it
// comes later.
constexpr std::chrono::milliseconds kGrace{50};
// Most cancelled coroutines end within that time, so no visit is needed.
constexpr std::chrono::milliseconds kFirstWatch{20};

base::Deadline earlier(const base::Deadline& one, const base::Deadline& other) {
  return one && other ? std::min(one, other) : one ? one : other;
}

}  // namespace

std::shared_ptr<Visitor> Visitor::serve(codec::Runtime& runtime) {
  auto visitor = std::make_shared<Visitor>(runtime);
  runtime.lessor->set_bell(visitor);
  return visitor;
}

bool Visitor::call(std::atomic<bool>& errand) noexcept {
  const bool was_called = errand.exchange(true, std::memory_order_acq_rel);
  if (stopping_.load(std::memory_order_relaxed)) return true;
  const bool is_there = thread_.running() && where_.load(std::memory_order_acquire) != kEnded;
  if (is_there) {
    if (!was_called) parker_.unpark();
    return true;
  }
  if (thread_.running()) thread_.join();  // it has just ended, after `pause` did not wait for it
  where_.store(kOutside, std::memory_order_release);
  return thread_.start("aioi-visitor", [this] { run(); });
}

void Visitor::ring() noexcept {
  base::Lock lock(mutex_);
  if (!call(returns_)) returns_.store(false, std::memory_order_release);  // no thread; the next request tries again
}

bool Visitor::interrupt(TaskPtr task) noexcept {
  base::Lock lock(mutex_);
  const bool in_loop = task->port != nullptr;
  try {
    // Repeated requests for one task count as one if they come faster than the visits.
    if (added_.empty() || added_.back().task != task) added_.emplace_back(std::move(task), in_loop);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return call(in_loop ? watches_ : strikes_);
}

bool Visitor::interrupt_all() noexcept {
  base::Lock lock(mutex_);
  stopped_all_.store(true, std::memory_order_release);
  stops_all_.store(true, std::memory_order_release);
  return call(strikes_);
}

void Visitor::look(std::shared_ptr<Glance> glance) noexcept {
  base::Lock lock(mutex_);
  bool is_asked = false;
  try {
    if (!has_stopped_) glances_.push_back(glance);
    is_asked = !has_stopped_;
  } catch (const std::bad_alloc&) {
    is_asked = false;
  }
  if (is_asked && call(asks_)) return;
  if (is_asked) glances_.pop_back();  // no thread can be started
  glance->refuse();
}

void Visitor::set_loop(LoopPortPtr loop) noexcept {
  base::Lock lock(mutex_);
  loop_.swap(loop);
}

void Visitor::set_foreign_threads(std::shared_ptr<py::ForeignThreads> threads) noexcept {
  base::Lock lock(mutex_);
  foreign_threads_.swap(threads);
}

void Visitor::ring_for_pending_calls() noexcept {
  base::Lock lock(mutex_);
  if (!call(calls_)) calls_.store(false, std::memory_order_release);  // no thread; the next request tries again
}

LoopPortPtr Visitor::loop() noexcept {
  base::Lock lock(mutex_);
  return loop_;
}

void Visitor::stop() noexcept AIOI_UNCHECKED("while stopping_ is set, the thread is this function's") {
  {
    base::Lock lock(mutex_);
    stopping_.store(true, std::memory_order_release);
  }
  parker_.unpark();
  if (thread_.running()) thread_.join();
  lessor_->set_bell(nullptr);
  {
    base::Lock lock(mutex_);
    has_stopped_ = true;
  }
  for (const std::shared_ptr<Glance>& glance : take_glances()) glance->refuse();
}

void Visitor::pause() noexcept AIOI_UNCHECKED("while stopping_ is set, the thread is this function's") {
  {
    base::Lock lock(mutex_);
    stopping_.store(true, std::memory_order_release);
  }
  parker_.unpark();
  std::uint32_t where = where_.load(std::memory_order_acquire);
  for (; thread_.running() && where == kOutside; where = where_.load(std::memory_order_acquire)) {
    static_cast<void>(base::wait_on(where_, where, base::Deadline()));
  }
  if (thread_.running() && where == kEnded) thread_.join();
  base::Lock lock(mutex_);
  stopping_.store(false, std::memory_order_release);
}

std::list<Interrupt> Visitor::take_added() noexcept {
  base::Lock lock(mutex_);
  return std::exchange(added_, {});
}

std::vector<std::shared_ptr<Glance>> Visitor::take_glances() noexcept {
  base::Lock lock(mutex_);
  return std::exchange(glances_, {});
}

bool Visitor::may_end() noexcept {
  base::Lock lock(mutex_);
  if (!stopping_.load(std::memory_order_acquire)) return false;  // the pause is over
  go(kEnded);                                                    // under the lock: later callers start a thread
  return true;
}

void Visitor::go(Where where) noexcept {
  where_.store(where, std::memory_order_release);
  base::wake_all(&where_);
}

template <typename Errand>
bool Visitor::visit(Errand&& errand) {
  go(kInside);
  const bool was_inside = lessor_->door().visit(errand);
  go(kOutside);
  return was_inside;
}

void Visitor::run() {
  base::Deadline returns_at;
  base::Deadline watch_at;
  while (!stopping_.load(std::memory_order_acquire) || !may_end()) {
    if (!returns_at && returns_.load(std::memory_order_acquire)) returns_at = base::Clock::now() + kGrace;
    if (!watch_at && watches_.load(std::memory_order_acquire)) watch_at = base::Clock::now() + kFirstWatch;
    const bool takes_back = base::is_over(returns_at);
    const bool looks = strikes_.load(std::memory_order_acquire) || base::is_over(watch_at) || base::is_over(look_at_);
    if (looks) {
      watch_at.reset();
      look_for_interrupts();
    }
    if (takes_back) {
      returns_at.reset();
      returns_.exchange(false, std::memory_order_acq_rel);
      if (lessor_->has_returns()) static_cast<void>(visit([this] { lessor_->take_back(); }));
    }
    const bool calls = calls_.exchange(false, std::memory_order_acq_rel);
    if (calls) run_pending_calls();
    const bool glances = asks_.exchange(false, std::memory_order_acq_rel);
    if (glances) answer_glances();
    if (!looks && !takes_back && !calls && !glances)
      parker_.park(earlier(earlier(returns_at, watch_at), look_at_));  // `stop` ends it early
  }
}

void Visitor::run_pending_calls() {
  std::shared_ptr<py::ForeignThreads> threads;
  {
    base::Lock lock(mutex_);
    threads = foreign_threads_;
  }
  if (threads) static_cast<void>(visit([&] { threads->run_pending_calls(); }));
}

void Visitor::answer_glances() {
  const std::vector<std::shared_ptr<Glance>> glances = take_glances();
  if (glances.empty()) return;
  std::vector<Activity> activities;
  bool has_memory = true;
  const bool was_inside = described_ != nullptr && visit([&] {
                            try {
                              activities = described_->describe();
                            } catch (const std::bad_alloc&) {
                              has_memory = false;
                            }
                            PyErr_Clear();
                          });
  for (const std::shared_ptr<Glance>& glance : glances) {
    try {
      was_inside&& has_memory ? glance->show(activities) : glance->refuse();
    } catch (const std::bad_alloc&) {
      glance->refuse();
    }
  }
}

void Visitor::look_for_interrupts() {
  // Each flag is lowered first, so that later requests raise it again. Earlier requests are handled below.
  strikes_.exchange(false, std::memory_order_acq_rel);
  watches_.exchange(false, std::memory_order_acq_rel);
  const bool stops_all = stops_all_.exchange(false, std::memory_order_acq_rel);
  const LoopPortPtr port = loop();
  interrupts_.add(take_added());
  look_at_.reset();
  if (!interrupts_.review(port != nullptr) && !stops_all) return;
  static_cast<void>(visit([&] { interrupts_.pursue(stops_all); }));
  if (port) port->mailbox->remind();  // then its loop begins another stretch, unless it is stuck
  look_at_ = interrupts_.next_look();
}

}  // namespace aiointerpreters::pool
