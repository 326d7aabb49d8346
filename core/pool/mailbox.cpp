// See mailbox.h.
#include "pool/mailbox.h"

#include "pool/task.h"

namespace aiointerpreters::pool {

Task* Mailbox::closed_mark() noexcept {
  static constexpr char kMark = 0;  // only its address counts
  return reinterpret_cast<Task*>(const_cast<char*>(&kMark));
}

bool Mailbox::post(TaskPtr task) noexcept {
  Task* const added = task.release();
  Task* before = last_.load(std::memory_order_relaxed);
  do {
    if (before == closed_mark()) {
      static_cast<void>(TaskPtr::adopt(added));
      return true;
    }
    added->next_ = before;
    // release: pairs with the acquire of `take`, which reads the task and the links.
  } while (!last_.compare_exchange_weak(before, added, std::memory_order_release, std::memory_order_relaxed));
  if (before != nullptr) return true;  // the first poster has woken the loop
  if (fd_ == base::Wakeup::kNone) return false;
  remind();
  return true;
}

void Mailbox::remind() noexcept {
  base::Lock lock(mutex_);
  if (wakeup_.fd() != base::Wakeup::kNone) wakeup_.signal();
}

TaskList Mailbox::take() noexcept {
  TaskList mail;
  if (fd_ != base::Wakeup::kNone) {
    base::Lock lock(mutex_);
    if (wakeup_.fd() != base::Wakeup::kNone) wakeup_.clear();  // cleared first, so that later posts wake the loop again
  }
  Task* last = last_.load(std::memory_order_relaxed);
  if (last == nullptr || last == closed_mark()) return mail;
  last = last_.exchange(nullptr, std::memory_order_acquire);
  while (last != nullptr) mail.push_front(TaskPtr::adopt(std::exchange(last, last->next_)));
  return mail;
}

void Mailbox::close() noexcept {
  // The descriptor is not read. In the child of a fork it is also the parent's, and so may be the wake-up.
  Task* last = last_.exchange(closed_mark(), std::memory_order_acquire);
  while (last != nullptr && last != closed_mark()) static_cast<void>(TaskPtr::adopt(std::exchange(last, last->next_)));
  base::Lock lock(mutex_);
  wakeup_.close();
}

}  // namespace aiointerpreters::pool
