// See door.h.
#include "py/door.h"

namespace aiointerpreters::py {

bool Door::enter() noexcept {
  std::uint32_t visitors = visitors_.load(std::memory_order_relaxed);
  while ((visitors & kClosed) == 0) {
    // acquire: pairs with the release of the code that handed out the door, so the whole interpreter is visible.
    if (visitors_.compare_exchange_weak(visitors, visitors + 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void Door::leave() noexcept {
  // release: pairs with the acquire in close, so everything done inside happens before the interpreter's end.
  if (visitors_.fetch_sub(1, std::memory_order_release) == (kClosed | 1)) base::wake_all(&visitors_);
}

bool Door::close(const base::Deadline& deadline) {
  std::uint32_t left = visitors_.fetch_or(kClosed, std::memory_order_acquire) | kClosed;
  if (left == kClosed) return true;
  return detached([&] {
    while (left != kClosed && !base::is_over(deadline)) {
      static_cast<void>(base::wait_on(visitors_, left, deadline));
      left = visitors_.load(std::memory_order_acquire);
    }
    return left == kClosed;
  });
}

}  // namespace aiointerpreters::py
