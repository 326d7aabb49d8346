// Interruptible: one thread of a worker's interpreter (its own, or its event loop's), for visitors that may interrupt it:
// what it does now, and what has been raised in it. A visitor can raise an exception while the thread does a certain thing,
// and never later (hazards 20, 22, 23).
//
// The work of the thread is divided into stretches: each task, each step of a coroutine, and each time between two steps.
// If two looks find the same number, the thread has been in one stretch all the time.
//
// The exception is raised at the next bytecode that the thread runs. So a wait in C is stopped only when it returns (hazard
// 21). A wait in a condition of `threading` is woken (condition_wait.h).
// Owner: the interpreter's runtime. Thread: the interpreter's own, and visitors (door.h). Locks: none. The interpreter's
// GIL guards everything here, and every call requires that the interpreter is attached.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "py/callback.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

class Interruptible {
 public:
  Interruptible() noexcept = default;
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  // The calling thread does `what` until `end`, in a new stretch. `what` is an address that is only compared. Thread: the
  // interpreter's own.
  void begin(const void* what) noexcept;
  // The rest of the work has no result that anyone waits for, so a visitor may raise more than once.
  void wind_up() noexcept { winding_up_ = true; }
  // The thread knows that `what` must end, and cleans up. Thread: the interpreter's own.
  void note_told() noexcept { is_told_ = true; }
  // Whether it cleans up, after `note_told` or a raised exception.
  [[nodiscard]] bool is_cleaning_up() const noexcept { return is_told_ && !winding_up_; }
  // Ends the stretch. Withdraws an exception that was set and has not been raised yet. Thread: the interpreter's own. Runs
  // Python.
  void end();

  // For an event loop's thread: a new stretch between two steps begins. The code that runs in it was left by one of the
  // `beside` tasks that have not ended. Thread: the interpreter's own. Runs Python.
  void begin_between(std::size_t beside);
  [[nodiscard]] std::size_t beside() const noexcept { return beside_; }
  // The same, when the loop begins another pass over all callbacks that are ready. Passes are numbered from 1.
  void begin_pass(std::size_t beside);
  [[nodiscard]] unsigned passes() const noexcept { return passes_; }
  // The address that stands for the code between two steps, as the address of a task stands for the task.
  [[nodiscard]] static const void* between() noexcept;

  // The thread is about to end. Withdraws an exception that was set for it and has not been raised yet. Thread: the same,
  // or one that has joined it.
  void leave() noexcept;

  // Raises `type` in that thread if it does `what` now; otherwise does nothing. Thread: a visitor.
  void interrupt(const void* what, PyObject* type);
  // If the thread does `what` now and is in an import, returns a number that differs for each import; otherwise 0.
  // Interrupting an import would leave an incomplete module in this interpreter for good. Thread: a visitor. Runs Python.
  [[nodiscard]] unsigned import_of(const void* what);
  // Whether the thread does `what` now.
  [[nodiscard]] bool does(const void* what) const noexcept;
  // What the thread does now; null if that is nothing that may be stopped.
  [[nodiscard]] const void* what() const noexcept { return what_; }
  // The state of the thread; null if no work has begun here yet, or the thread has left.
  [[nodiscard]] PyThreadState* state() const noexcept { return state_; }
  // The number of its current stretch.
  [[nodiscard]] unsigned stretches() const noexcept { return stretches_; }
  // Whether the thread exists and runs code of one of these packages now. Thread: a visitor. Runs Python.
  [[nodiscard]] bool runs_code_of(std::initializer_list<std::string_view> packages) const;
  // Like `interrupt`, some time later. Raises again only after `wind_up`, because code there that handles every exception
  // may loop forever.
  void insist(const void* what, PyObject* type);
  // Raises it in the thread, whatever it does. Work that begins later checks `stopping`. Thread: any that is attached. Runs
  // Python.
  void stop(PyObject* type);
  // Raises it once in the thread, whatever it does. Thread: a visitor. Requires: some work has begun here before. Runs
  // Python.
  void raise_in_thread(PyObject* type) const;
  // Whether that is the thread that may be interrupted.
  [[nodiscard]] bool is_thread(unsigned long ident) const noexcept { return what_ != nullptr && ident == thread_; }
  [[nodiscard]] bool is_busy() const noexcept { return what_ != nullptr; }
  // 0 if no work has begun here yet, or the thread has left.
  [[nodiscard]] unsigned long thread() const noexcept { return thread_; }
  // For C code that waits: raises an exception that was set for the calling thread. Runs Python. Errors: false with that
  // exception set.
  [[nodiscard]] bool check() const;
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }

 private:
  static PyObject* on_unraisable(PyObject* capsule, PyObject* unraisable);
  // If CPython can only report an exception and drop it (in __del__, in callbacks of weak references), raises it once more.
  // Not between two steps, because the exception would hit the next step.
  void watch_lost();
  void raise_lost();
  void raise(PyObject* type);

  const void* what_ = nullptr;  // null: it does nothing that may be stopped
  std::size_t beside_ = 0;      // see begin_between
  unsigned stretches_ = 0;
  unsigned passes_ = 0;
  unsigned long thread_ = 0;        // ident of the thread; valid once it has begun something
  PyThreadState* state_ = nullptr;  // the state of that thread
  PyObject* type_ = nullptr;        // the exception type set since `begin`, or null; borrowed from the runtime
  Ref import_;                      // the outermost frame of the last import; held, so that its address stays unique
  unsigned imports_ = 0;            // the number of imports seen so far
  bool winding_up_ = false;
  bool is_told_ = false;
  bool stopping_ = false;
  std::optional<Callback<Interruptible>> hook_;  // sys.unraisablehook, while an exception could be lost
  bool passing_on_ = false;                      // the former hook is being called; it may lead back here
  Ref former_hook_;                              // the hook that was installed before
};

}  // namespace aiointerpreters::py
