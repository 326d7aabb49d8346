// The state word of task.h.
#include "pool/task.h"

#include <utility>

#include "base/spin.h"

namespace aiointerpreters::pool {

Task::Change Task::change(State from, State to) noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if (state_in(word) != from) return Change::kLost;
    // acq_rel: the release publishes message and outcome to the acquire in state(); the acquire takes over what home wrote.
  } while (!word_.compare_exchange_weak(word, (word & ~kStateMask) | static_cast<std::uint32_t>(to),
                                        std::memory_order_acq_rel, std::memory_order_relaxed));
  if (to >= State::kFinished && (word & kWaited) != 0) base::wake_all(&word_);
  return end_of(word);
}

Task::Change Task::cancel() noexcept {
  const Change cancelled = change(State::kPending, State::kCancelled);
  if (cancelled != Change::kLost) message.clear();
  return cancelled;
}

Task::Change Task::notify_cancelled() noexcept {
  if (state() != State::kCancelled) return Change::kLost;  // for good: nothing follows an end
  const std::uint32_t word = word_.fetch_or(kNotified, std::memory_order_acq_rel);
  if ((word & kNotified) != 0) return Change::kLost;
  return end_of(word);
}

bool Task::request_interrupt() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if (state_in(word) != State::kRunning) return false;
    // release: pairs with the acquire in interrupted; whoever sees the request sees what led to it.
  } while (!word_.compare_exchange_weak(word, word | kInterrupted, std::memory_order_acq_rel, std::memory_order_relaxed));
  return true;
}

bool Task::needs_home(Change change) noexcept {
  if (change == Change::kMail) return !mailbox->post(TaskPtr(this));
  return change == Change::kDeliver || (side_ == Side::kHome && !has_left_home);
}

Task::Change Task::end_broken(std::shared_ptr<const Breakage> why) {
  if (!start()) return notify_cancelled();
  breakage = std::move(why);
  outcome = Outcome::kBroken;
  return finish();
}

Task::Standing Task::request_delivery() noexcept { return standing_of(word_.fetch_or(kDeliver, std::memory_order_acq_rel)); }

Task::Standing Task::request_mail(MailboxPtr to) noexcept {
  mailbox = std::move(to);
  // release: who sees the request, by `change`, sees the mailbox.
  return standing_of(word_.fetch_or(kMail, std::memory_order_acq_rel));
}

bool Task::spin(std::chrono::nanoseconds budget) const noexcept {
  return base::spin_until([this] { return done(); }, budget);
}

base::Wake Task::wait(const base::Deadline& deadline) noexcept {
  std::uint32_t word = word_.fetch_or(kWaited, std::memory_order_acq_rel) | kWaited;
  while (state_in(word) < State::kFinished) {
    const base::Wake wake = base::wait_on(word_, word, deadline);
    word = word_.load(std::memory_order_acquire);
    if (wake != base::Wake::kChanged && state_in(word) < State::kFinished) return wake;
  }
  return base::Wake::kChanged;
}

}  // namespace aiointerpreters::pool
