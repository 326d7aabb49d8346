// Returner: sees to it that what comes back to a lessor is dropped soon, whether its interpreter is busy or idle: a thread
// that visits it if it does not come by itself. One for each interpreter, as a visit may have to wait for a long call in C.
// The thread starts when something comes back for the first time.
//
// Owner: shared by the interpreter's lessor, as its bell, and by who stops it. Thread: any.
#pragma once

#include <atomic>
#include <memory>

#include "base/mutex.h"
#include "base/parker.h"
#include "base/thread.h"
#include "codec/lessor.h"

namespace aiointerpreters::pool {

class Returner final : public codec::Bell {
 public:
  // Makes one and hangs it up as the lessor's bell. It is to be stopped before the interpreter ends. Errors: std::bad_alloc.
  [[nodiscard]] static std::shared_ptr<Returner> serve(const codec::LessorPtr& lessor);
  explicit Returner(codec::LessorPtr lessor) noexcept : lessor_(std::move(lessor)) {}  // see `serve`
  Returner(const Returner&) = delete;
  Returner& operator=(const Returner&) = delete;

  // Something has come back. Without memory for a thread, it waits for its owner.
  void ring() noexcept override AIOI_EXCLUDES(mutex_);

  // Visits no more; returns when the thread has ended. Requires: detached, or the lessor is closed, since the thread may
  // want to attach. Blocks.
  void stop() noexcept AIOI_EXCLUDES(mutex_);

 private:
  void run();  // attaches, so it must be able to unwind (hazard 11)

  const codec::LessorPtr lessor_;
  base::Mutex mutex_;
  base::Thread thread_ AIOI_GUARDED_BY(mutex_);  // nobody touches it after stopping_ but `stop`
  std::atomic<bool> stopping_{false};            // set under the lock; release / acquire
  std::atomic<bool> rung_{false};                // and no visit has begun since; acq_rel
  base::Parker parker_;                          // the thread's
};

}  // namespace aiointerpreters::pool
