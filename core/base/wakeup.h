// Wakeup: a file descriptor that becomes readable when another thread signals, for loops that sleep in select, epoll or
// kqueue: an eventfd(2) on Linux, a pipe elsewhere.
// Owner: one object at a time. Thread: signal by any, clear by the sleeping one; both only while it lives.
#pragma once

#include <utility>

namespace aiointerpreters::base {

class Wakeup {
 public:
  static constexpr int kNone = -1;

  // Without a descriptor.
  Wakeup() noexcept = default;
  // Errors: `fd()` is kNone if the system has no such descriptor, or if no descriptor is left.
  [[nodiscard]] static Wakeup open() noexcept;
  Wakeup(Wakeup&& other) noexcept
      : read_end_(std::exchange(other.read_end_, kNone)), write_end_(std::exchange(other.write_end_, kNone)) {}
  Wakeup& operator=(Wakeup&& other) noexcept {
    std::swap(read_end_, other.read_end_);
    std::swap(write_end_, other.write_end_);
    return *this;
  }
  ~Wakeup() { close(); }

  // The descriptor to watch.
  [[nodiscard]] int fd() const noexcept { return read_end_; }
  // Makes it readable until the next clear.
  void signal() const noexcept;
  void clear() const noexcept;
  void close() noexcept;

 private:
  int read_end_ = kNone;
  int write_end_ = kNone;  // the same descriptor if it is an eventfd
};

}  // namespace aiointerpreters::base
