// See lifecycle.h.
#include "pool/lifecycle.h"

#include <algorithm>

namespace aiointerpreters::pool {

std::shared_ptr<const Breakage> Lifecycle::broken(Lane lane) noexcept {
  if (breakage_) return lane != Lane::kHome || scope_ == Scope::kAll ? breakage_ : nullptr;
  if (!transient_ || lane == Lane::kHome) return nullptr;
  if (may_make_interpreter()) transient_.reset();
  return transient_;
}

std::shared_ptr<const Breakage> Lifecycle::break_down(std::shared_ptr<const Breakage> why, Scope scope) noexcept {
  const bool widens = scope == Scope::kAll && scope_ != Scope::kAll;
  if (!breakage_ || widens) {
    breakage_.swap(why);
    scope_ = scope;
  }
  return why;
}

void Lifecycle::interpreter_failed() noexcept {
  retry_at_ = base::Clock::now() + kFirstPause * (1U << std::min(failures_, kMaxDoublings));
  ++failures_;
}

void Lifecycle::set_threads(std::size_t threads) noexcept {
  const auto before = signals_.threads->exchange(static_cast<std::uint32_t>(threads), std::memory_order_release);
  if (before > threads) base::wake_all(&*signals_.threads);
}

void Lifecycle::count_interpreter(int by) noexcept {
  signals_.interpreters->fetch_add(static_cast<std::uint32_t>(by), std::memory_order_release);
  announce_rest_news();
}

void Lifecycle::announce_rest_news() noexcept {
  if (!rests()) return;
  signals_.rest_news->fetch_add(1, std::memory_order_release);
  base::wake_all(&*signals_.rest_news);
}

}  // namespace aiointerpreters::pool
