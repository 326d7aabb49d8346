// Returner: sees to it that what has come back to a lessor is dropped soon, whether its interpreter is busy or idle: a
// thread that visits those who have not come by themselves. It starts when something comes back for the first time.
//
// Owner: shared by a home, which stops it at its end, and home's pools, whose workers' interpreters it serves too.
// Thread: any.
#pragma once

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/parker.h"
#include "base/thread.h"
#include "codec/lessor.h"

namespace aiointerpreters::pool {

class Returner final : public codec::Bell, public std::enable_shared_from_this<Returner> {
 public:
  Returner() noexcept = default;
  Returner(const Returner&) = delete;
  Returner& operator=(const Returner&) = delete;

  // Whether it has come here by a fork, without its thread: of no use any more.
  [[nodiscard]] bool lost_by_fork() const noexcept { return process_ != base::process_id(); }

  // Until it is closed or forgotten. Requires: attached to its interpreter. Errors: std::bad_alloc.
  void serve(const codec::LessorPtr& lessor) AIOI_EXCLUDES(mutex_);
  void forget(const codec::LessorPtr& lessor) noexcept AIOI_EXCLUDES(mutex_);

  // Something has come back. Without memory for a thread, it waits for its owner.
  void ring() noexcept override AIOI_EXCLUDES(mutex_);

  // Visits nobody any more; returns when the thread has ended. Requires: detached, since the thread may want to attach.
  // Blocks.
  void stop() noexcept AIOI_EXCLUDES(mutex_);

 private:
  void run() noexcept;
  void make_round();

  const int process_ = base::process_id();
  base::Mutex mutex_;
  std::vector<codec::LessorPtr> lessors_ AIOI_GUARDED_BY(mutex_);
  base::Thread thread_ AIOI_GUARDED_BY(mutex_);
  bool stopped_ AIOI_GUARDED_BY(mutex_) = false;
  std::atomic<bool> stopping_{false};  // for the thread; release / acquire
  std::atomic<bool> rung_{false};      // and no round has begun since; release / acquire
  base::Parker parker_;                // the thread's
};

}  // namespace aiointerpreters::pool
