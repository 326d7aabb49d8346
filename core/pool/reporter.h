// Reporter: writes warnings of the engine to home's log, on a thread that nobody joins.
//
// Logging handlers are user code. One may react to a warning by shutting the executor down, and wait for that. So a thread
// that other code waits for, by a lock or a join, must not write a warning: no worker, no loop, no visitor. They only leave
// the text here.
// The thread starts when there is something to write and ends when nothing is left. The code that ends home waits until
// everything is written, after everything else that a handler may wait for.
// Owner: home, and its own thread while that runs. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "base/futex.h"
#include "base/mutex.h"
#include "codec/lessor.h"

namespace aiointerpreters::pool {

class Reporter final : public std::enable_shared_from_this<Reporter> {
 public:
  // Requires, when it is called: attached to home. Runs Python. Leaves no exception set.
  using Write = void (*)(const std::string& text);

  // Requires: attached to home. Hold it by a std::shared_ptr.
  Reporter(codec::LessorPtr home, Write write) noexcept : home_(std::move(home)), write_(write) {}
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  // Has the text written soon, after earlier ones. If no thread can be started, the text waits for the next thread, or for
  // `write_left`. If there is no memory, it is dropped. Blocks: no.
  void warn(std::string text) noexcept AIOI_EXCLUDES(mutex_);

  // Writes texts for which no thread could be started. Requires: attached to home, on a thread that nobody waits for. Runs
  // Python.
  void write_left() AIOI_EXCLUDES(mutex_);
  // Whether no thread has texts to write.
  [[nodiscard]] bool is_idle() const noexcept AIOI_EXCLUDES(mutex_);
  // Waits until everything is written, or for the deadline, or a signal. Requires: detached, not on the reporter's own
  // thread. Blocks.
  void wait_until_idle(const base::Deadline& deadline) const noexcept;

 private:
  [[nodiscard]] bool start() noexcept;
  // Attaches, so CPython may unwind it (hazard 11).
  void run();
  // The next text; false: there is none, and the thread ends.
  [[nodiscard]] bool take(std::string& text) noexcept AIOI_EXCLUDES(mutex_);
  void count_out() noexcept;

  const codec::LessorPtr home_;
  const Write write_;
  mutable base::Mutex mutex_;
  std::deque<std::string> texts_ AIOI_GUARDED_BY(mutex_);
  bool is_running_ AIOI_GUARDED_BY(mutex_) = false;  // the thread exists, and looks for texts before it ends
  std::atomic<std::uint32_t> left_{0};               // texts that are not written yet; release / acquire
};

}  // namespace aiointerpreters::pool
