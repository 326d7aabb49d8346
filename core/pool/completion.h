// Completion: how far a call is, and who is told of its end. One word decides every race: start, cancel, interrupt, finish,
// and who has to tell. The end is told once, by the thread that makes the change, which need not be attached to any
// interpreter. (docs/design/threading.md, "How a call ends", has the drawing.)
// Owner: the task. Thread: any, where nothing else is said.
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
  // What a change of the state asks of the thread that has made it.
  enum class Change : std::uint8_t {
    kLost,     // nothing: the state was another one, and is as it was
    kQuiet,    // nothing: whoever wants to know looks at the state
    kMail,     // to put the task into its mailbox
    kDeliver,  // to see to it that waiters and callbacks at home are told
  };

  [[nodiscard]] State state() const noexcept { return state_in(word_.load(std::memory_order_acquire)); }
  [[nodiscard]] bool done() const noexcept { return state() >= State::kFinished; }

  // Each of these makes one change; exactly one of those who try wins.
  [[nodiscard]] bool start() noexcept { return change(State::kPending, State::kRunning) != Change::kLost; }
  // After the outcome is written.
  [[nodiscard]] Change finish() noexcept { return change(State::kRunning, State::kFinished); }
  // The queue lets go of a cancelled call (the standard library's CANCELLED_AND_NOTIFIED).
  [[nodiscard]] Change notify_cancelled() noexcept;
  [[nodiscard]] bool notified() const noexcept { return (word_.load(std::memory_order_acquire) & kNotified) != 0; }
  // Has a running call end as interrupted, whatever comes of it. False: it is not running. To stop it is the caller's part.
  [[nodiscard]] bool request_interrupt() noexcept;
  [[nodiscard]] bool interrupted() const noexcept { return (word_.load(std::memory_order_acquire) & kInterrupted) != 0; }

  // How the call stood when somebody asked to be told.
  struct Standing {
    State state;
    bool notified;
    // A change is still to come.
    [[nodiscard]] bool open() const noexcept {
      return state < State::kFinished || (state == State::kCancelled && !notified);
    }
  };
  // Asks that every change to an end from now on be delivered at home (hazard 30). An end that has come counts as shown.
  [[nodiscard]] Standing request_delivery() noexcept;
  [[nodiscard]] bool delivery_requested() const noexcept { return (word_.load(std::memory_order_acquire) & kDeliver) != 0; }
  // An end that is delivered is shown to others at home by who delivers it, later than it comes: from here on they see it.
  // True: it is news to those who wait. Requires: done.
  [[nodiscard]] bool show() noexcept;
  // How the call stands for others at home: an end that is to be delivered counts from when it is shown.
  [[nodiscard]] Standing shown() const noexcept;
  // Asks that the task be put into an event loop's mailbox when it has ended, unless delivery is asked for before.
  // Once only.
  [[nodiscard]] Standing request_mail(MailboxPtr to) noexcept;

  // Looks, awake, until the call is done or the budget is used up, and tells what came of it. Requires: detached. Blocks.
  [[nodiscard]] base::Spun spin(std::chrono::nanoseconds budget) const noexcept;
  // Sleeps until the call is done: kChanged. kTimedOut, kInterrupted (a signal): it is not. Requires: detached. Blocks.
  [[nodiscard]] base::Wake wait(const base::Deadline& deadline) noexcept;

  MailboxPtr mailbox;  // of the event loop at home that awaits it, if any: request_mail

 protected:
  [[nodiscard]] Change change(State from, State to) noexcept;

 private:
  static constexpr std::uint32_t kStateMask = 3;
  static constexpr std::uint32_t kWaited = 4;     // somebody sleeps on the word
  static constexpr std::uint32_t kDeliver = 8;    // delivery was requested
  static constexpr std::uint32_t kNotified = 16;  // cancelled, and out of the queue
  static constexpr std::uint32_t kInterrupted = 32;
  static constexpr std::uint32_t kMail = 64;            // mail was requested
  static constexpr std::uint32_t kShown = 128;          // the end is shown
  static constexpr std::uint32_t kShownNotified = 256;  // and so is that it was notified

  static State state_in(std::uint32_t word) noexcept { return static_cast<State>(word & kStateMask); }
  static Change end_of(std::uint32_t word) noexcept {
    return (word & kDeliver) != 0 ? Change::kDeliver : (word & kMail) != 0 ? Change::kMail : Change::kQuiet;
  }
  // The flags of who sees the call as it stands.
  static std::uint32_t shown_in(std::uint32_t word) noexcept {
    if (state_in(word) < State::kFinished) return 0;
    return (word & kNotified) != 0 ? kShown | kShownNotified : kShown;
  }
  static Standing standing_of(std::uint32_t word) noexcept { return {state_in(word), (word & kNotified) != 0}; }

  std::atomic<std::uint32_t> word_{0};
};

}  // namespace aiointerpreters::pool
