// Visitor: a thread that enters one interpreter to do work that the interpreter's own thread cannot do while it is busy or
// asleep. It takes back lent objects, interrupts running work (interrupts.h), looks at what runs (glance.h) and runs pending
// calls (py/foreign_threads.h).
// Each interpreter has its own visitor, because a visitor may have to wait at the door (py/door.h) for a long call in C.
// The thread starts when it is first needed.
//
// A request only raises a flag, and wakes the thread if the flag was not raised yet. So any number of requests cost one
// visit. The thread does everything that is due before it sleeps again, so later requests do not postpone earlier ones.
// Owner: shared by the interpreter's lessor, as its bell, by its pool, and by the code that stops it. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "base/parker.h"
#include "base/thread.h"
#include "codec/lessor.h"
#include "codec/runtime.h"
#include "pool/glance.h"
#include "pool/interrupter.h"
#include "pool/interrupts.h"
#include "pool/loop_port.h"
#include "py/foreign_threads.h"

namespace aiointerpreters::pool {

class Visitor final : public codec::Bell, public Interrupter, public py::PendingCallsBell {
 public:
  // Creates one and installs it as the lessor's bell. Stop it before the interpreter ends. Requires: attached to that
  // interpreter. Errors: std::bad_alloc.
  [[nodiscard]] static std::shared_ptr<Visitor> serve(codec::Runtime& runtime);
  explicit Visitor(codec::Runtime& runtime) noexcept : lessor_(runtime.lessor), interrupts_(runtime) {}  // see `serve`
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  // A loan has come back. If no thread can be started, the loan waits for its owner.
  void ring() noexcept override AIOI_EXCLUDES(mutex_);

  // A task of a coroutine function must already be cancelled in its loop. Then this only makes sure that it ends.
  bool interrupt(TaskPtr task) noexcept override AIOI_EXCLUDES(mutex_);
  bool interrupt_all() noexcept override AIOI_EXCLUDES(mutex_);
  void look(std::shared_ptr<Glance> glance) noexcept override AIOI_EXCLUDES(mutex_);
  // Sets the interpreter, for glances. Call it before other threads know the visitor. It has to live until `stop`.
  void set_described(Described* described) noexcept { described_ = described; }
  // Whether `interrupt_all` has been called. Once true, it stays true, even after the end of the thread.
  [[nodiscard]] const std::atomic<bool>& stopped_all() const noexcept { return stopped_all_; }
  // Sets the port of the interpreter's event loop; null: the loop has ended.
  void set_loop(LoopPortPtr loop) noexcept AIOI_EXCLUDES(mutex_);

  // Sets the interpreter's foreign threads. The visitor runs their pending calls, until it stops.
  void set_foreign_threads(std::shared_ptr<py::ForeignThreads> threads) noexcept AIOI_EXCLUDES(mutex_);
  void ring_for_pending_calls() noexcept override AIOI_EXCLUDES(mutex_);

  // Ends the visits; returns when the thread has ended. Requires: detached, or the lessor is closed, because the thread may
  // want to attach. Blocks.
  void stop() noexcept AIOI_EXCLUDES(mutex_);
  // For a fork, during which no thread may hold a lock. Returns when the thread has ended, or is inside the interpreter,
  // where it holds no lock. In the second case it is not joined, because it may drop an object whose `__del__` waits for
  // the fork. The next request starts a thread again. Requires: detached. Blocks.
  void pause() noexcept AIOI_EXCLUDES(mutex_);

 private:
  enum Where : std::uint32_t { kOutside, kInside, kEnded };

  [[nodiscard]] bool call(std::atomic<bool>& errand) noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] std::list<Interrupt> take_added() noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<std::shared_ptr<Glance>> take_glances() noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] LoopPortPtr loop() noexcept AIOI_EXCLUDES(mutex_);
  // Whether the thread ends now.
  [[nodiscard]] bool may_end() noexcept AIOI_EXCLUDES(mutex_);
  void go(Where where) noexcept;
  // Each attaches, so CPython may unwind it (hazard 11).
  void run();
  void look_for_interrupts();
  void run_pending_calls();
  void answer_glances();
  template <typename Errand>
  bool visit(Errand&& errand);

  const codec::LessorPtr lessor_;
  base::Mutex mutex_;
  base::Thread thread_ AIOI_GUARDED_BY(mutex_);  // only `stop` and `pause` use it while stopping_
  std::atomic<bool> stopping_{false};            // set under the lock; release / acquire
  std::atomic<std::uint32_t> where_{kEnded};     // where the thread is, a Where; release / acquire
  std::list<Interrupt> added_ AIOI_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Glance>> glances_ AIOI_GUARDED_BY(mutex_);
  bool has_stopped_ AIOI_GUARDED_BY(mutex_) = false;
  LoopPortPtr loop_ AIOI_GUARDED_BY(mutex_);
  std::shared_ptr<py::ForeignThreads> foreign_threads_ AIOI_GUARDED_BY(mutex_);
  // Requests that have not been handled yet; acq_rel.
  std::atomic<bool> returns_{false};
  std::atomic<bool> calls_{false};
  std::atomic<bool> asks_{false};     // a glance must be answered
  std::atomic<bool> strikes_{false};  // a task must be interrupted now
  std::atomic<bool> watches_{false};  // a task must end soon
  std::atomic<bool> stops_all_{false};
  std::atomic<bool> stopped_all_{false};  // release / acquire
  base::Parker parker_;                   // for the thread

  // Used by the thread alone.
  Interrupts interrupts_;
  Described* described_ = nullptr;
  base::Deadline look_at_;  // the time of the next look; set while there are interrupts
};

}  // namespace aiointerpreters::pool
