// Door: lets foreign threads into an interpreter for a moment, and prevents its end meanwhile.
// Owner: shared by the interpreter's own thread, which closes it, and the threads that may come. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/futex.h"
#include "py/attach.h"
#include "py/python.h"

namespace aiointerpreters::py {

class Door {
 public:
  // Requires: attached to the interpreter that it leads to.
  Door() noexcept : interpreter_(PyInterpreterState_Get()) {}
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // Attaches the calling thread to the interpreter, by a state of its own (hazard 10), calls `visit`, detaches again.
  // Returns false if the door is closed or there is no memory. Requires: the thread has no state of any interpreter.
  // Blocks: while others hold that interpreter's GIL. `visit` leaves no exception set.
  template <typename Visit>
  bool visit(Visit&& visit) {
    if (!enter()) return false;
    const bool visited = py::visit(interpreter_, visit);
    leave();
    return visited;
  }

  // Lets no more threads in, and waits until those inside have left. False: the deadline has passed, and some are still
  // inside. Call it before the interpreter ends. Requires: attached. Blocks: detached meanwhile.
  bool close(const base::Deadline& deadline = {});

  // For threads that attach in another way, or for longer. False: the door is closed. Each `enter` requires a `leave`.
  [[nodiscard]] bool enter() noexcept;
  void leave() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return (visitors_.load(std::memory_order_acquire) & kClosed) == 0; }
  [[nodiscard]] bool has_visitors() const noexcept {
    return (visitors_.load(std::memory_order_acquire) & ~kClosed) != 0;  // acquire: as in `close`
  }

 private:
  static constexpr std::uint32_t kClosed = std::uint32_t{1} << 31;

  PyInterpreterState* const interpreter_;
  std::atomic<std::uint32_t> visitors_{0};  // the number of threads inside, plus kClosed
};

}  // namespace aiointerpreters::py
