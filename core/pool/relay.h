// Relay: brings what workers say to home: log records, warnings, output.
//
// A worker posts a word without a lock and continues. The relay's own thread hands the words to home in batches, in the
// order in which they were posted. A thread of home that takes the outcome of a call does the same before (`flush`), so that
// the words of a call are handled before its result is seen.
// Handling a word runs code of users, such as handlers of `logging`. One thread does that at a time: it has the turn. A
// thread of home waits for the turn for a moment only, because a handler may need what this thread holds.
// Owner: shared by home, the pools, their workers and its own thread. Thread: any, unless stated otherwise.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/futex.h"
#include "base/mutex.h"
#include "codec/lessor.h"
#include "codec/message.h"

namespace aiointerpreters::pool {

struct Word {
  enum class Kind : std::uint8_t { kRecord, kWarning, kOutput };

  Kind kind = Kind::kRecord;
  codec::Message content;                     // a tuple of str, numbers and None (_words_home.py)
  std::unique_ptr<codec::Message> extra;      // kRecord: a dict of further attributes; or null
  std::unique_ptr<codec::Message> exception;  // kRecord: the exception; or null
  std::size_t size = 0;                       // in bytes; set by `post`
  Word* next = nullptr;                       // the relay's
};

class Relay final : public std::enable_shared_from_this<Relay> {
 public:
  // Requires, when they are called: attached to home. Both run Python. `handle` returns false with an exception set only if
  // the calling thread has to raise it. `warn` leaves no exception set.
  using Handle = bool (*)(const Word& word);
  using Warn = void (*)(const std::string& text);
  // Words that need more memory than this, together, are dropped. The number of dropped words is logged.
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

  // Requires: attached to home. Hold it by a std::shared_ptr.
  Relay(codec::LessorPtr home, Handle handle, Warn warn) noexcept : home_(std::move(home)), handle_(handle), warn_(warn) {}
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  // Has the word handled soon. If too much memory is in use, drops it. Blocks: no.
  void post(std::unique_ptr<Word> word) noexcept AIOI_EXCLUDES(mutex_);

  // Whether there are words that have not been handled. acquire: sees the words of every call whose end was seen.
  [[nodiscard]] bool has_words() const noexcept { return bytes_.load(std::memory_order_acquire) != 0; }
  // Handles the words that have been posted until now, or waits for a moment until another thread has handled them.
  // Requires: attached to home. Blocks: detached. Runs Python. Errors: false with the exception set that a handler has
  // raised, if that is no Exception. The other words are kept.
  [[nodiscard]] bool flush();

  // Has its thread end once everything is handled. Later words wait for a flush. Blocks: no.
  void close() noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] bool has_thread() const noexcept { return bell_.load(std::memory_order_acquire) != kNoThread; }
  // In the child of a fork: forgets the words, which the parent handles, and the thread, which does not exist here. Nothing
  // is freed, because other threads of the parent may have been using it. Requires: no other thread uses it yet.
  void leave_to_parent() noexcept AIOI_UNCHECKED("no other thread exists");
  // After `close`: waits until the thread has ended, or for the deadline. Requires: detached, not on that thread. Blocks.
  void wait_for_thread(const base::Deadline& deadline) const noexcept;

 private:
  // What the relay's thread does: `bell_`.
  static constexpr std::uint32_t kNoThread = 0;
  static constexpr std::uint32_t kAwake = 1;
  static constexpr std::uint32_t kNapping = 2;  // for a moment, so that the next batch is not too small
  static constexpr std::uint32_t kAsleep = 3;   // the next post wakes it

  void start() noexcept AIOI_EXCLUDES(mutex_);
  // Attaches, so CPython may unwind it (hazard 11).
  void run();
  [[nodiscard]] bool visit_home();
  void nap() noexcept;
  // False: it has to end.
  [[nodiscard]] bool sleep() noexcept;

  [[nodiscard]] bool try_take_turn() noexcept;
  // Requires: detached. False: the deadline has passed.
  [[nodiscard]] bool wait_for_turn(const base::Deadline& deadline) noexcept;
  void give_turn_back() noexcept;
  // Handles at most `limit` of the words that are there. Requires: attached to home, with the turn. False as `handle`.
  [[nodiscard]] bool handle_some(std::size_t limit);
  [[nodiscard]] std::unique_ptr<Word> next() noexcept;
  // Appends what was posted to the words in hand.
  void take_posted() noexcept;

  const codec::LessorPtr home_;
  const Handle handle_;
  const Warn warn_;
  std::atomic<Word*> last_{nullptr};     // the newest word that was posted, linked to the older ones
  std::atomic<std::size_t> bytes_{0};    // of the words that are not handled
  std::atomic<std::size_t> dropped_{0};  // words that were dropped and not reported
  std::atomic<std::uint32_t> bell_{kNoThread};
  std::atomic<bool> is_closing_{false};
  base::Mutex mutex_;  // the thread is started

  std::atomic<std::uint32_t> turn_{0};   // 1: a thread has the turn
  std::atomic<std::thread::id> holder_;  // that thread
  std::atomic<bool> is_slow_{false};     // a thread has waited in vain for the word that is being handled
  unsigned forks_ = 0;                   // how often it was left to a parent; read and written attached to home
  Word* first_in_hand_ = nullptr;        // guarded by the turn, as the next one
  Word* last_in_hand_ = nullptr;
};

}  // namespace aiointerpreters::pool
