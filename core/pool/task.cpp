// See task.h.
#include "pool/task.h"

#include <utility>

namespace aiointerpreters::pool {

Task::Change Task::cancel() noexcept {
  const Change cancelled = change(State::kPending, State::kCancelled);
  if (cancelled != Change::kLost) message.clear();
  return cancelled;
}

bool Task::needs_home(Change change) noexcept {
  if (change == Change::kMail) {
    // relaxed: if home forgets it at this moment, nobody reads the mail.
    return !is_forgotten.load(std::memory_order_relaxed) && !mailbox->post(TaskPtr(this));
  }
  return change == Change::kDeliver || (lane == Lane::kHome && !has_left_home);
}

Task::Change Task::end_broken(std::shared_ptr<const Breakage> why) {
  if (!start()) return notify_cancelled();
  breakage = std::move(why);
  outcome = Outcome::kBroken;
  return finish();
}

}  // namespace aiointerpreters::pool
