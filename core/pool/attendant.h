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

namespace aiointerpreters::pool {

// Stops whatever the interpreter runs: raises TaskInterrupted in its own threads, the worker's and the event loop's, which begin
// nothing new from now on, and SystemExit in those that tasks have started. Requires: attached to it. Runs Python.
void stop_work(codec::Runtime& runtime);

class Attendant final : public codec::Bell, public Interrupter, public Watcher {
 public:
  // Makes one and hangs it up as the lessor's bell. It is to be stopped before the interpreter ends.
  // Requires: attached to that interpreter. Errors: std::bad_alloc.
  [[nodiscard]] static std::shared_ptr<Attendant> serve(codec::Runtime& runtime);
  explicit Attendant(codec::Runtime& runtime) noexcept : runtime_(runtime), lessor_(runtime.lessor) {}  // see `serve`
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
  void halt() noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] bool call(std::atomic<bool>& errand) noexcept AIOI_REQUIRES(mutex_);
  // A task that is to be stopped, until it has ended.
  struct Target {
    TaskPtr task;
    bool in_loop = false;
    bool is_raised = false;    // at least once
    unsigned turn = 0;         // in the loop: the one it had at the last look
    unsigned import = 0;       // the one that it was in at the last look
    unsigned spared = 0;       // imports that it was not raised in
    base::Deadline report_at;  // that it goes on, unless that has been done
  };
  [[nodiscard]] bool add(TaskPtr task, bool in_loop) noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<Target> take_added() noexcept AIOI_EXCLUDES(mutex_);
  // Each of these is a part of a visit.
  [[nodiscard]] bool spares_import(Target& target, py::Interruptible& interruptible);
  void interrupt(Target& target);
  void insist(Target& target);
  void insist_on_loops_end();
  void end_loops_turn();
  void wake();
  [[nodiscard]] base::Deadline next_look() const;
  [[nodiscard]] LoopPortPtr loop() noexcept AIOI_EXCLUDES(mutex_);
  // Each attaches, so it must be able to unwind (hazard 11).
  void run();
  void visit_to_interrupt();
  void look_after_interrupted();

  codec::Runtime& runtime_;  // only inside a visit
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
  std::vector<Target> targets_;
  bool stops_loop_ = false;  // the loop is to end
  unsigned loops_turn_ = 0;  // then: the one it had at the last look
  unsigned ended_turn_ = 0;  // that something was raised in, once
  base::Deadline look_at_;   // after them; set while there are any
};

}  // namespace aiointerpreters::pool
