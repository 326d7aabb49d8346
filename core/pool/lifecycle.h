// Lifecycle: the stage of a pool between open and ended, and the lanes that it can no longer serve.
// Owner: the pool. Locks: the pool's guards everything here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/futex.h"
#include "pool/signals.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

class Lifecycle {
 public:
  explicit Lifecycle(Signals& signals) noexcept : signals_(signals) {}

  // The part of a pool that a failure disables.
  enum class Scope : std::uint8_t { kInterpreters, kAll };

  [[nodiscard]] bool closed() const noexcept { return closed_; }
  void close() noexcept { closed_ = true; }
  [[nodiscard]] bool stopped() const noexcept { return stops_ > 0; }
  // Returns the number of stop requests so far.
  unsigned stop() noexcept { return ++stops_; }

  // ---- Rests: there may be no interpreter while the process forks.
  [[nodiscard]] bool rests() const noexcept { return rests_ > 0; }
  void begin_rest() noexcept { ++rests_; }
  void end_rest() noexcept { --rests_; }

  // ---- Breakage.
  // Whether at least the calls for interpreters are refused for good.
  [[nodiscard]] bool is_broken() const noexcept { return breakage_ != nullptr; }
  // Null while calls of that lane can run. If the time for another attempt has come, the failure is forgotten.
  [[nodiscard]] std::shared_ptr<const Breakage> broken(Lane lane) noexcept;
  // The first reason stays, unless the new one concerns more lanes. Returns an object that must be freed without the lock.
  std::shared_ptr<const Breakage> break_down(std::shared_ptr<const Breakage> why, Scope scope) noexcept;

  // ---- Interpreters that cannot be created: a pause before the next attempt, doubled after each failure.
  [[nodiscard]] bool may_make_interpreter() const noexcept { return !retry_at_ || base::is_over(retry_at_); }
  void interpreter_made() noexcept { retry_at_.reset(), failures_ = 0; }
  void interpreter_failed() noexcept;
  // The next attempt need not wait.
  void retry_now() noexcept { retry_at_.reset(); }
  // No interpreter exists, and none could be created. The lanes that need one count as broken until the next attempt.
  void break_until_retry(std::shared_ptr<const Breakage>& why) noexcept { transient_.swap(why); }

  // ---- Signals.
  void set_threads(std::size_t threads) noexcept;
  void count_interpreter(int by) noexcept;
  void announce_rest_news() noexcept;

 private:
  static constexpr std::chrono::milliseconds kFirstPause{500};
  static constexpr unsigned kMaxDoublings = 6;  // half a minute at most

  bool closed_ = false;
  unsigned stops_ = 0;
  unsigned rests_ = 0;  // the number of rests that have begun and not ended
  std::shared_ptr<const Breakage> breakage_;
  Scope scope_ = Scope::kInterpreters;
  std::shared_ptr<const Breakage> transient_;
  base::Deadline retry_at_;
  unsigned failures_ = 0;  // in a row

  Signals& signals_;
};

}  // namespace aiointerpreters::pool
