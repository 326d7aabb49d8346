// Thread: a thread of the engine's own, with a stack that is big enough for Python code (hazard 6).
// Owner: who starts it, and joins it before the object ends. Thread: its owner's.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace aiointerpreters::base {

// Tells this process from its forks, which have copies of none of its other threads.
[[nodiscard]] int process_id() noexcept;

class Thread {
 public:
  Thread() noexcept = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Runs `body`, which throws nothing, in a new thread. False if there can be none. Requires: not started, or joined.
  [[nodiscard]] bool start(std::function<void()> body) noexcept;
  [[nodiscard]] bool started() const noexcept { return started_; }
  // Requires: started, not called by itself. Blocks. In a forked process there is nobody to wait for.
  void join() noexcept;

 private:
  bool started_ = false;
#if defined(_WIN32)
  std::thread thread_;
#else
  pthread_t thread_{};
  int process_ = 0;  // the one that started it: a fork has no copy of the thread
#endif
};

}  // namespace aiointerpreters::base
