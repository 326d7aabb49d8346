// Completion: the state of a call, and who must be told of its end. One word decides every race: start, cancel, interrupt,
// finish, and the duty to tell. The end is told once, by the thread that makes the change. This thread need not be attached
// to any interpreter. (docs/design/threading.md, "How a call ends", has a drawing.)
// Owner: the task. Thread: any, unless stated otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/futex.h"
#include "base/spin_policy.h"
#include "pool/mailbox.h"

namespace aiointerpreters::pool {

class Completion {
 public:
  enum class State : std::uint8_t { kPending, kRunning, kFinished, kCancelled };
  // The duty of the thread that has made a change.
  enum class Change : std::uint8_t {
    kLost,     // nothing: the state was another one, so nothing has changed
    kQuiet,    // nothing: no other code waits to be told
    kMail,     // to put the task into its mailbox
    kDeliver,  // to make sure that waiters and callbacks at home are told
  };

  [[nodiscard]] State state() const noexcept { return state_in(word_.load(std::memory_order_acquire)); }
  [[nodiscard]] bool done() const noexcept { return state() >= State::kFinished; }

  // Each of these makes one change; exactly one of the competing threads wins.
  [[nodiscard]] bool start() noexcept { return change(State::kPending, State::kRunning) != Change::kLost; }
  // A call that has started waits again. Call it before anything of it has run. False: it is not running.
  [[nodiscard]] bool put_back() noexcept { return change(State::kRunning, State::kPending) != Change::kLost; }
  // Call it after the outcome is written.
  [[nodiscard]] Change finish() noexcept { return change(State::kRunning, State::kFinished); }
  // The cancelled call has left its queue (the standard library's CANCELLED_AND_NOTIFIED).
  [[nodiscard]] Change notify_cancelled() noexcept;
  [[nodiscard]] bool notified() const noexcept { return (word_.load(std::memory_order_acquire) & kNotified) != 0; }
  // Makes a running call end as interrupted, whatever its result. False: it is not running. The caller still has to stop it.
  [[nodiscard]] bool request_interrupt() noexcept;
  [[nodiscard]] bool interrupted() const noexcept { return (word_.load(std::memory_order_acquire) & kInterrupted) != 0; }

  // The state of the call when it was looked at, or when telling was requested.
  struct Standing {
    State state;
    bool notified;
    // A change is still to come.
    [[nodiscard]] bool open() const noexcept {
      return state < State::kFinished || (state == State::kCancelled && !notified);
    }
  };
  // Requests that the end be delivered at home (hazard 30). If the call has already ended, its end counts as shown.
  [[nodiscard]] Standing request_delivery() noexcept;
  [[nodiscard]] bool delivery_requested() const noexcept { return (word_.load(std::memory_order_acquire) & kDeliver) != 0; }
  // Shows a delivered end to others at home. The delivering thread calls it, some time after the end. True: waiters have
  // not been told before. Requires: done.
  [[nodiscard]] bool show() noexcept;
  // The state that others at home see. An end that is to be delivered counts only once it is shown.
  [[nodiscard]] Standing shown() const noexcept;
  // Requests that the task be put into an event loop's mailbox when it has ended, unless delivery is requested before that.
  // Call it once at most.
  [[nodiscard]] Standing request_mail(MailboxPtr to) noexcept;

  // Spins until the call is done or the budget is used up. Requires: detached. Blocks.
  [[nodiscard]] base::Spun spin(std::chrono::nanoseconds budget) const noexcept;
  // Sleeps until the call is done, and returns kChanged. kTimedOut, kInterrupted (a signal): it is not done. Requires:
  // detached. Blocks.
  [[nodiscard]] base::Wake wait(const base::Deadline& deadline) noexcept;

  MailboxPtr mailbox;  // of the event loop at home that awaits it, or null; see request_mail

 protected:
  [[nodiscard]] Change change(State from, State to) noexcept;

 private:
  static constexpr std::uint32_t kStateMask = 3;
  static constexpr std::uint32_t kWaited = 4;     // a thread sleeps on the word
  static constexpr std::uint32_t kDeliver = 8;    // delivery was requested
  static constexpr std::uint32_t kNotified = 16;  // cancelled, and out of the queue
  static constexpr std::uint32_t kInterrupted = 32;
  static constexpr std::uint32_t kMail = 64;            // mail was requested
  static constexpr std::uint32_t kShown = 128;          // the end is shown
  static constexpr std::uint32_t kShownNotified = 256;  // it is also shown that it has left the queue

  static State state_in(std::uint32_t word) noexcept { return static_cast<State>(word & kStateMask); }
  static Change end_of(std::uint32_t word) noexcept {
    return (word & kDeliver) != 0 ? Change::kDeliver : (word & kMail) != 0 ? Change::kMail : Change::kQuiet;
  }
  // The flags that determine the state that others see.
  static std::uint32_t shown_in(std::uint32_t word) noexcept {
    if (state_in(word) < State::kFinished) return 0;
    return (word & kNotified) != 0 ? kShown | kShownNotified : kShown;
  }
  static Standing standing_of(std::uint32_t word) noexcept { return {state_in(word), (word & kNotified) != 0}; }

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace aiointerpreters::pool
