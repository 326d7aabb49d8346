// See reporter.h.
#include "pool/reporter.h"

#include <new>
#include <utility>

#include "base/thread.h"

namespace aiointerpreters::pool {

void Reporter::warn(std::string text) noexcept {
  base::Lock lock(mutex_);
  try {
    texts_.push_back(std::move(text));
  } catch (const std::bad_alloc&) {
    return;
  }
  left_.fetch_add(1, std::memory_order_release);
  if (!is_running_) is_running_ = start();
}

bool Reporter::start() noexcept {
  try {
    base::Thread thread;
    if (!thread.start("aioi-reporter", [self = shared_from_this()] { self->run(); })) return false;
    thread.detach();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Reporter::write_left() {
  {
    base::Lock lock(mutex_);
    if (is_running_) return;
    is_running_ = true;
  }
  std::string text;
  while (take(text)) {
    write_(text);
    count_out();
  }
}

bool Reporter::is_idle() const noexcept {
  base::Lock lock(mutex_);
  return !is_running_ || left_.load(std::memory_order_acquire) == 0;
}

void Reporter::wait_until_idle(const base::Deadline& deadline) const noexcept {
  std::uint32_t left = left_.load(std::memory_order_acquire);
  while (left != 0) {
    const base::Wake wake = base::wait_on(left_, left, deadline);
    if (wake != base::Wake::kChanged) return;
    left = left_.load(std::memory_order_acquire);
  }
}

void Reporter::run() {
  std::string text;
  while (take(text)) {
    home_->door().visit([&] { write_(text); });
    count_out();
  }
}

bool Reporter::take(std::string& text) noexcept {
  base::Lock lock(mutex_);
  is_running_ = !texts_.empty();
  if (!is_running_) return false;
  text = std::move(texts_.front());
  texts_.pop_front();
  return true;
}

void Reporter::count_out() noexcept {
  if (left_.fetch_sub(1, std::memory_order_release) == 1) base::wake_all(&left_);
}

}  // namespace aiointerpreters::pool
