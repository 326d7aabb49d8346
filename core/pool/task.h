// Task: one call on its way from submit to its outcome.
//
// Owner: shared by the future at home and by whoever has to run it (queue, then worker). Its word of state decides every
// race: start, cancel, finish, and who has to deliver. What else is in it belongs to home until the task is queued, to the
// worker from a successful start to finish, to home again after that.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/futex.h"
#include "base/intrusive.h"
#include "codec/callable_ref.h"
#include "codec/message.h"
#include "pool/mailbox.h"

namespace aiointerpreters::pool {

class LoopPort;
class Pool;
struct Seat;

// Why a pool is unusable: an interpreter or an initializer failed. Immutable.
struct Breakage {
  std::string reason;
  codec::Message cause;  // an encoded exception, or empty
};

class Task : public base::Counted {
 public:
  enum class Side : std::uint8_t { kHome, kWorker };  // the interpreter in which it runs
  enum class State : std::uint8_t { kPending, kRunning, kFinished, kCancelled };
  enum class Outcome : std::uint8_t {
    kNone,
    kAtHome,     // the future holds the result or exception itself
    kValue,      // message: the result
    kException,  // message: the exception
    kBroken,     // breakage: why the pool could not run it
    kNoMemory,   // there was not even memory for that
  };

  explicit Task(Side side) noexcept : side_(side) {}

  [[nodiscard]] Side side() const noexcept { return side_; }
  [[nodiscard]] State state() const noexcept { return state_in(word_.load(std::memory_order_acquire)); }
  [[nodiscard]] bool done() const noexcept { return state() >= State::kFinished; }

  // Each of these makes one change of the state; exactly one of those who try wins. Thread: any.
  enum class Change : std::uint8_t {
    kLost,     // the state was another one: nothing was done
    kQuiet,    // done
    kMail,     // done, and this caller has to put it into its mailbox
    kDeliver,  // done, and this caller has to see to it that others at home are told
  };
  [[nodiscard]] bool start() noexcept { return change(State::kPending, State::kRunning) != Change::kLost; }
  // Lets go of the message: nobody will read it, though the task may stay in its queue for long.
  [[nodiscard]] Change cancel() noexcept;
  // After `outcome` and `message` are written.
  [[nodiscard]] Change finish() noexcept { return change(State::kRunning, State::kFinished); }
  // The queue lets go of a cancelled task (the standard library's CANCELLED_AND_NOTIFIED).
  [[nodiscard]] Change notify_cancelled() noexcept;
  [[nodiscard]] bool notified() const noexcept { return (word_.load(std::memory_order_acquire) & kNotified) != 0; }

  // Does what can be done without home after that change, an end: mostly all there is to do. True: `settle_at_home` is to be
  // called with it.
  [[nodiscard]] bool needs_home(Change change) noexcept;

  // Ends a task that the pool will never run; a cancelled one is let go of. Requires: it is out of the queue.
  [[nodiscard]] Change end_broken(std::shared_ptr<const Breakage> why);

  // Has a running task end as interrupted, whatever comes of it. False: it is not running. To stop it is the caller's part.
  [[nodiscard]] bool request_interrupt() noexcept;
  [[nodiscard]] bool interrupted() const noexcept { return (word_.load(std::memory_order_acquire) & kInterrupted) != 0; }

  // Asks that every change of the task's end from now on be delivered at home (hazard 30). Returns how it stood when asked.
  struct Standing {
    State state;
    bool notified;
    // A change is still to come.
    [[nodiscard]] bool open() const noexcept {
      return state < State::kFinished || (state == State::kCancelled && !notified);
    }
  };
  [[nodiscard]] Standing request_delivery() noexcept;
  // Asks that it be put into an event loop's mailbox when it has ended, unless delivery is asked for before. Once only.
  // Requires: Side::kWorker.
  [[nodiscard]] Standing request_mail(MailboxPtr to) noexcept;
  [[nodiscard]] bool delivery_requested() const noexcept { return (word_.load(std::memory_order_acquire) & kDeliver) != 0; }

  // Looks, awake, until the task is done or the budget is used up; true if it is done. Requires: detached. Blocks.
  [[nodiscard]] bool spin(std::chrono::nanoseconds budget) const noexcept;
  // Sleeps until the task is done: kChanged. kTimedOut, kInterrupted (a signal): it is not. Requires: detached. Blocks.
  [[nodiscard]] base::Wake wait(const base::Deadline& deadline) noexcept;

  // Runs a task of Side::kHome and sets its outcome. If nobody has asked to be told of its end, lets go of home's objects too and
  // says so in `has_left_home`. Requires: attached to home. Runs Python.
  virtual void run_at_home() = 0;
  // The task has ended. kDeliver: tells home's waiters and callbacks, then lets go of every object of home; kQuiet: does only
  // that. kMail: it is in its mailbox, whose loop has to be woken.
  // Requires: attached to home. Runs Python.
  virtual void settle_at_home(Change how) = 0;
  // The same for a thread that is attached to no interpreter: it visits home. Blocks. Runs Python.
  virtual void visit_home_to_settle(Change how) = 0;
  // Cancels it for good, after the queue has let go of it. Requires: attached to home. Runs Python.
  virtual void cancel_at_home() = 0;
  // Names in home's log a task that has been interrupted and goes on. Requires: the thread has no state of any interpreter.
  // Blocks. Runs Python.
  virtual void report_ignored_interrupt() = 0;

  codec::CallablePtr callable;                                // Side::kWorker
  std::uint64_t callable_id = codec::CallableRef::kUncached;  // the same as callable->id, without touching its cache line
  codec::Message message;                                     // the arguments, then the outcome
  std::unique_ptr<codec::Message> context;                    // context variables by name, to be set for the call; or null
  std::shared_ptr<LoopPort> port;  // of the worker's event loop that a coroutine function was sent to; else null
  MailboxPtr mailbox;              // of the event loop at home that awaits it, if any: request_mail
  std::shared_ptr<const Breakage> breakage;
  const Pool* pool = nullptr;  // that it was submitted to; only compared
  Seat* seat = nullptr;        // that pool's, guarded by its lock: of the worker that was given the task last
  Outcome outcome = Outcome::kNone;
  bool has_left_home = false;  // of Side::kHome: nothing of home's is left to let go of; the worker's that has run it
  bool in_rows = false;  // the one argument is a list of argument tuples, the result the list of their results

 private:
  friend class TaskList;
  friend class TaskQueue;
  friend class Mailbox;

  static constexpr std::uint32_t kStateMask = 3;
  static constexpr std::uint32_t kWaited = 4;     // somebody sleeps on the word
  static constexpr std::uint32_t kDeliver = 8;    // delivery was requested
  static constexpr std::uint32_t kNotified = 16;  // cancelled, and out of the queue
  static constexpr std::uint32_t kInterrupted = 32;
  static constexpr std::uint32_t kMail = 64;  // mail was requested

  static State state_in(std::uint32_t word) noexcept { return static_cast<State>(word & kStateMask); }
  static Change end_of(std::uint32_t word) noexcept {
    return (word & kDeliver) != 0 ? Change::kDeliver : (word & kMail) != 0 ? Change::kMail : Change::kQuiet;
  }
  static Standing standing_of(std::uint32_t word) noexcept { return {state_in(word), (word & kNotified) != 0}; }
  Change change(State from, State to) noexcept;

  std::atomic<std::uint32_t> word_{0};
  const Side side_;
  Task* next_ = nullptr;      // in its list, or in a mailbox
  std::uint64_t number_ = 0;  // TaskQueue's
};

using TaskPtr = base::IntrusivePtr<Task>;

}  // namespace aiointerpreters::pool
