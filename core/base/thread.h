// Thread: a thread of the engine's own, with a stack that is big enough for Python code (hazard 6).
// Owner: the code that starts it, and joins or detaches it before the object ends. Thread: its owner's.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace aiointerpreters::base {

// The stack that a thread needs to run Python: with less, deep recursion ends the process (hazard 6).
#if defined(__APPLE__)
inline constexpr std::size_t kMinStack = std::size_t{16} << 20;
#else
inline constexpr std::size_t kMinStack = std::size_t{8} << 20;
#endif
// The stack that a thread gets by default; 0 if that is not known.
[[nodiscard]] std::size_t default_stack() noexcept;

// The name of a thread as the operating system shows it, for example in faulthandler's dumps (CPython 3.14), in gdb, in
// top and in perf. Linux allows 15 bytes: of a longer name, its end stays, which tells threads of one pool apart.
[[nodiscard]] std::array<char, 16> short_thread_name(std::string_view name) noexcept;
// Gives the calling thread this name, shortened. Does nothing on Windows.
void name_this_thread(std::string_view name) noexcept;

class Thread {
 public:
  Thread() noexcept = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Runs `body`, which throws nothing, in a new thread with this name, at most 15 bytes. False if no thread can be started.
  // Requires: not running.
  [[nodiscard]] bool start(const char* name, std::function<void()> body) noexcept;
  // Started and not joined, in this process. The child of a fork does not have the thread.
  [[nodiscard]] bool running() const noexcept;
  // Requires: running, called by another thread. Blocks.
  void join() noexcept;
  // The thread will not be joined. Requires: running.
  void detach() noexcept;

 private:
  bool started_ = false;
#if defined(_WIN32)
  std::thread thread_;
#else
  pthread_t thread_{};
  int process_ = 0;  // the process that has started it
#endif
};

}  // namespace aiointerpreters::base
