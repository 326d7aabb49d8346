// Task: one call on its way from submit to its outcome: the work (call.h), its state, and who is told of the end
// (completion.h).
//
// Owner: shared by the waiting code at home and by the side that has to run it (queue, then worker). Its content belongs to
// home until the task is queued, to the worker from a successful start to finish, and to home again after that.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/intrusive.h"
#include "codec/message.h"
#include "pool/call.h"
#include "pool/completion.h"

namespace aiointerpreters::pool {

class Pool;
struct Seat;

// The reason why a pool is unusable: an interpreter or an initializer has failed. It never changes.
struct Breakage {
  std::string reason;
  codec::Message cause;  // an encoded exception, or empty
};

class Task : public base::Counted, public Call, public Completion {
 public:
  enum class Outcome : std::uint8_t {
    kNone,
    kAtHome,     // the future holds the result or exception itself
    kValue,      // message: the result
    kException,  // message: the exception
    kBroken,     // breakage: the reason why the pool could not run it
    kNoMemory,   // there was not enough memory even for a description
    kOwnValue,   // the task itself has the result, an object of home
    kOwnError,   // the same for the exception
  };

  explicit Task(Lane where) noexcept : Call(where) {}

  // Cancels it and drops the message: nobody will read it, and the task may stay in its queue for long.
  [[nodiscard]] Change cancel() noexcept;
  // Ends a task that the pool will never run, or drops it if it is cancelled. Requires: it is out of the queue.
  [[nodiscard]] Change end_broken(std::shared_ptr<const Breakage> why);
  // Does everything that follows from an end and needs no home. Usually that is all. True: `settle_at_home` must be called
  // with that change.
  [[nodiscard]] bool needs_home(Change change) noexcept;

  // Runs a task of Lane::kHome and sets its outcome. If delivery was not requested, also drops the objects of home and sets
  // `has_left_home`. Requires: attached to home. Runs Python.
  virtual void run_at_home() = 0;
  // Call it when the task has ended. kDeliver: tells waiters and callbacks at home, then drops all objects of home. kQuiet:
  // only drops them. kMail: it is in its mailbox, whose loop has to be woken. Requires: attached to home. Runs Python.
  virtual void settle_at_home(Change how) = 0;
  // The same for a thread that is attached to no interpreter: it visits home. Blocks. Runs Python.
  virtual void visit_home_to_settle(Change how) = 0;
  // Cancels it for good, after the queue has dropped it. Requires: attached to home. Runs Python.
  virtual void cancel_at_home() = 0;
  // Call it in place of `settle_at_home` if `is_refused`: runs the call elsewhere than in an interpreter. Requires: attached
  // to home. Runs Python.
  virtual void move_elsewhere() {}
  // Drops what `move_elsewhere` would need: the callable is about to be called. Thread: the one that runs it.
  virtual void forget_spare() noexcept {}
  // Reports in home's log that the task was interrupted and still runs. Thread: any. Blocks: no.
  virtual void report_ignored_interrupt() = 0;

  std::shared_ptr<const Breakage> breakage;
  Outcome outcome = Outcome::kNone;
  const Pool* pool = nullptr;  // the pool that it was submitted to; only compared
  Seat* seat = nullptr;        // in that pool, of the worker that got the task last; guarded by the pool's lock
  bool may_move = false;       // if an interpreter cannot begin it, it runs elsewhere; fixed once it is submitted
  bool is_begun = false;       // its callable has been called; belongs to the worker
  bool is_refused = false;     // an interpreter could not begin it: it runs, and has not been finished
  bool has_left_home = false;  // Lane::kHome: its objects are dropped; belongs to the worker that has run it
  // Home has cancelled it and does not wait, so its outcome is not encoded. Home may set it at any time. relaxed: it only
  // saves work.
  std::atomic<bool> is_forgotten{false};
  // When it began to run, in base::coarse_milliseconds. relaxed: others only show it.
  std::atomic<std::uint32_t> began{0};
  // The state of a coroutine function that must be cancelled in its loop (loop_port.h).
  struct Cancelling {
    bool is_asked = false;    // the loop has not handled it; guarded by the port's lock
    bool is_watched = false;  // the visitor watches it; guarded likewise
    unsigned pass = 0;        // the pass in which the loop has cancelled it; 0: none; guarded by its interpreter's GIL
  } cancelling;

 private:
  friend class TaskList;
  friend class TaskQueue;
  friend class Mailbox;
  friend class WarmUp;

  Task* next_ = nullptr;      // in a list or mailbox
  std::uint64_t number_ = 0;  // TaskQueue's or WarmUp's
};

using TaskPtr = base::IntrusivePtr<Task>;

}  // namespace aiointerpreters::pool
