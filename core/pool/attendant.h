// Attendant: does for others what has to be done inside an interpreter whose own thread is busy or asleep: takes back what
// it has lent, interrupts what it runs. It is a thread that visits (py/door.h), one for each interpreter, as a visit may have
// to wait for a long call in C. The thread starts when it is needed for the first time.
//
// Owner: shared by the interpreter's lessor, as its bell, by its pool, and by who stops it. Thread: any.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/parker.h"
#include "base/thread.h"
#include "codec/lessor.h"
#include "codec/runtime.h"
#include "pool/interrupter.h"
#include "pool/loop_port.h"
#include "pool/targets.h"

namespace aiointerpreters::pool {

class Attendant final : public codec::Bell, public Interrupter, public Watcher {
 public:
  // Makes one and hangs it up as the lessor's bell. It is to be stopped before the interpreter ends.
  // Requires: attached to that interpreter. Errors: std::bad_alloc.
  [[nodiscard]] static std::shared_ptr<Attendant> serve(codec::Runtime& runtime);
  explicit Attendant(codec::Runtime& runtime) noexcept : lessor_(runtime.lessor), targets_(runtime) {}  // see `serve`
  Attendant(const Attendant&) = delete;
  Attendant& operator=(const Attendant&) = delete;

  // Something has come back. Without memory for a thread, it waits for its owner.
  void ring() noexcept override AIOI_EXCLUDES(mutex_);

  bool interrupt(TaskPtr task) noexcept override AIOI_EXCLUDES(mutex_);
  bool watch(TaskPtr task) noexcept override AIOI_EXCLUDES(mutex_);
  bool interrupt_all() noexcept override AIOI_EXCLUDES(mutex_);
  // Of the interpreter's event loop; null: there is none any more.
  void set_loop(LoopPortPtr loop) noexcept AIOI_EXCLUDES(mutex_);

  // Visits no more; returns when the thread has ended. Requires: detached, or the lessor is closed, since the thread may
  // want to attach. Blocks.
  void stop() noexcept AIOI_EXCLUDES(mutex_);
  // The same until it is needed again: for a fork, which shall find no thread with a lock in its hands.
  void pause() noexcept AIOI_EXCLUDES(mutex_);

 private:
  // Ends the thread, if there is one; nobody is called until stopping_ is taken back.
  void halt() noexcept AIOI_EXCLUDES(mutex_) AIOI_UNCHECKED("while stopping_ is set, thread_ is this function's alone");
  [[nodiscard]] bool call(std::atomic<bool>& errand) noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] bool add(TaskPtr task, bool in_loop) noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<Target> take_added() noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] LoopPortPtr loop() noexcept AIOI_EXCLUDES(mutex_);
  // The event loop has another turn then, unless it is stuck.
  void remind_loop();
  // Each attaches, so it must be able to unwind (hazard 11).
  void run();
  void visit_to_interrupt();
  void look_after_interrupted();

  const codec::LessorPtr lessor_;
  base::Mutex mutex_;
  base::Thread thread_ AIOI_GUARDED_BY(mutex_);  // nobody touches it while stopping_ but `halt`
  std::atomic<bool> stopping_{false};            // set under the lock; release / acquire
  std::vector<Target> added_ AIOI_GUARDED_BY(mutex_);
  LoopPortPtr loop_ AIOI_GUARDED_BY(mutex_);
  // What there is to do, and no visit for it has begun since; acq_rel.
  std::atomic<bool> returns_{false};
  std::atomic<bool> interrupt_{false};
  std::atomic<bool> interrupt_all_{false};
  base::Parker parker_;  // the thread's

  // The thread's.
  Targets targets_;
  base::Deadline look_at_;  // after them; set while there are any
};

}  // namespace aiointerpreters::pool
