// See completion.h.
#include "pool/completion.h"

#include <utility>

#include "base/spin.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

Completion::Change Completion::change(State from, State to) noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if (state_in(word) != from) return Change::kLost;
    // acq_rel: the release publishes message and outcome to the acquire in state(). The acquire makes home's writes
    // visible.
  } while (!word_.compare_exchange_weak(word, (word & ~kStateMask) | static_cast<std::uint32_t>(to),
                                        std::memory_order_acq_rel, std::memory_order_relaxed));
  if (to >= State::kFinished && (word & kWaited) != 0) base::wake_all(&word_);
  return end_of(word);
}

Completion::Change Completion::notify_cancelled() noexcept {
  if (state() != State::kCancelled) return Change::kLost;  // final: no other change follows an end
  const std::uint32_t word = word_.fetch_or(kNotified, std::memory_order_acq_rel);
  if ((word & kNotified) != 0) return Change::kLost;
  return end_of(word);
}

bool Completion::request_interrupt() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if (state_in(word) != State::kRunning) return false;
    // release: pairs with the acquire in interrupted. A thread that sees the request also sees everything before it.
  } while (!word_.compare_exchange_weak(word, word | kInterrupted, std::memory_order_acq_rel, std::memory_order_relaxed));
  return true;
}

Completion::Standing Completion::request_delivery() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  // acq_rel: the thread that ends the call sees the request, or this thread sees the end.
  while (!word_.compare_exchange_weak(word, word | kDeliver | shown_in(word), std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
  }
  return standing_of(word);
}

bool Completion::show() noexcept {
  const std::uint32_t flags = shown_in(word_.load(std::memory_order_acquire));
  // relaxed: all readers are at home, like the thread that shows it.
  const std::uint32_t before = word_.fetch_or(flags, std::memory_order_relaxed);
  return state_in(before) == State::kFinished || (flags & ~before & kShownNotified) != 0;
}

Completion::Standing Completion::shown() const noexcept {
  const std::uint32_t word = word_.load(std::memory_order_acquire);
  if ((word & kDeliver) == 0 || state_in(word) < State::kFinished) return standing_of(word);
  if ((word & kShown) == 0) return {State::kRunning, false};
  return {state_in(word), (word & kShownNotified) != 0};
}

Completion::Standing Completion::request_mail(MailboxPtr to) noexcept {
  mailbox = std::move(to);
  // release: a thread that sees the request, by `change`, sees the mailbox.
  return standing_of(word_.fetch_or(kMail, std::memory_order_acq_rel));
}

base::Spun Completion::spin(std::chrono::nanoseconds budget) const noexcept {
  return base::spin_until([this] { return done(); }, budget);
}

base::Wake Completion::wait(const base::Deadline& deadline) noexcept {
  std::uint32_t word = word_.fetch_or(kWaited, std::memory_order_acq_rel) | kWaited;
  while (state_in(word) < State::kFinished) {
    const base::Wake wake = base::wait_on(word_, word, deadline);
    word = word_.load(std::memory_order_acquire);
    if (wake != base::Wake::kChanged && state_in(word) < State::kFinished) return wake;
  }
  return base::Wake::kChanged;
}

}  // namespace aiointerpreters::pool
