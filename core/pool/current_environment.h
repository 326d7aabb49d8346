// CurrentEnvironment: the newest environment that home has given to a pool (environment.h).
// Owner: the pool. Thread: any. Locks: its own, for a few instructions.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "base/mutex.h"
#include "pool/environment.h"

namespace aiointerpreters::pool {

class CurrentEnvironment {
 public:
  // Thread: home's. Its GIL ensures that there is one at a time.
  void set(EnvironmentPtr environment) noexcept AIOI_EXCLUDES(mutex_) {
    base::Lock lock(mutex_);
    version_.store(environment->version, std::memory_order_release);
    newest_.swap(environment);
  }
  [[nodiscard]] EnvironmentPtr get() const noexcept AIOI_EXCLUDES(mutex_) {
    base::Lock lock(mutex_);
    return newest_;
  }
  // 0: there is none yet.
  [[nodiscard]] std::uint64_t version() const noexcept {
    // acquire: pairs with the release in `set`. A task is queued after its environment was set.
    return version_.load(std::memory_order_acquire);
  }

 private:
  mutable base::Mutex mutex_;
  EnvironmentPtr newest_ AIOI_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace aiointerpreters::pool
