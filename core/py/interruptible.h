// Interruptible: one thread of a worker's interpreter, its own or its event loop's, as it looks to those who may interrupt
// it: what it does now, and what has been raised in it. They can raise an exception there while it does that, and never
// later (hazards 20, 22, 23).
//
// What the thread does is told apart by stretches: each task, each step of a coroutine,
// and each time between two steps is one.
// Who finds the same number at two looks knows that the thread has done one and the same thing all the time.
//
// The exception comes at the next bytecode that the thread runs, so what waits in C is stopped when it returns (hazard 21);
// what waits in a condition of `threading` is woken (condition_wait.h).
// Owner: the interpreter's runtime. Thread: the interpreter's own, and visitors (door.h). Locks: none, the interpreter's GIL
// guards everything here, and every call requires that the interpreter is attached.
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

  // The calling thread does `what` until `end`; an address that is compared and never used. It is a stretch of its own.
  // Thread: the interpreter's own.
  void begin(const void* what) noexcept;
  // What is left of it is nothing that anybody waits for: whoever comes again may raise again.
  void wind_up() noexcept { winding_up_ = true; }
  // It knows that it is to end, and cleans up. Thread: the same.
  void note_told() noexcept { is_told_ = true; }
  // Whether it does so, because of that or of what was raised in it.
  [[nodiscard]] bool is_cleaning_up() const noexcept { return is_told_ && !winding_up_; }
  // What was to be raised and has not been yet is not raised any more. Thread: the same. Runs Python.
  void end();

  // For an event loop's thread: another stretch between two steps begins. What runs in it is left by one of so many tasks
  // that have not ended. Thread: the same. Runs Python.
  void begin_between(std::size_t beside);
  [[nodiscard]] std::size_t beside() const noexcept { return beside_; }
  // The same, where the loop begins another pass over all that is ready. Passes have numbers from 1 on.
  void begin_pass(std::size_t beside);
  [[nodiscard]] unsigned passes() const noexcept { return passes_; }
  // Stands for what it does there, as the address of one of them stands for that.
  [[nodiscard]] static const void* between() noexcept;

  // The thread is about to end; what was raised for it and has not struck is withdrawn.
  // Thread: the same, or who has joined it.
  void leave() noexcept;

  // Raises `type` in that thread if it does `what` now; else does nothing. Thread: a visitor.
  void interrupt(const void* what, PyObject* type);
  // The import that the thread is in, if it does `what` now, which would leave a module half done in this interpreter for
  // good:
  // 0 if there is none, and another number for each one that is seen. Thread: a visitor. Runs Python.
  [[nodiscard]] unsigned import_of(const void* what);
  // Whether the thread does that now.
  [[nodiscard]] bool does(const void* what) const noexcept;
  // The number of its stretch.
  [[nodiscard]] unsigned stretches() const noexcept { return stretches_; }
  // Whether there is such a thread, and the code that it runs now is of one of these packages. Thread: a visitor.
  // Runs Python.
  [[nodiscard]] bool runs_code_of(std::initializer_list<std::string_view> packages) const;
  // `interrupt` some time later: raises again only if the thread winds up, where code that handles everything may loop for
  // ever.
  void insist(const void* what, PyObject* type);
  // Raises it in whatever the thread does; whoever begins something looks at `stopping` from now on. Thread: any that is
  // attached. Runs Python.
  void stop(PyObject* type);
  // Raises it whatever the thread does, and only once. Thread: a visitor. Requires: something has begun here before.
  // Runs Python.
  void raise_in_thread(PyObject* type) const;
  // Whether that is the thread which may be interrupted.
  [[nodiscard]] bool is_thread(unsigned long ident) const noexcept { return what_ != nullptr && ident == thread_; }
  [[nodiscard]] bool is_busy() const noexcept { return what_ != nullptr; }
  // 0 if nothing has begun here yet, or the thread has left.
  [[nodiscard]] unsigned long thread() const noexcept { return thread_; }
  // For code in C that waits: gives what has been raised in the calling thread the occasion to come. Runs Python.
  // Errors: false with it set.
  [[nodiscard]] bool check() const;
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }

 private:
  static PyObject* on_unraisable(PyObject* capsule, PyObject* unraisable);
  // Where CPython can only report an exception and drop it (__del__, weak references' callbacks), it is raised once more;
  // not in what is done between two things, where it would hit whatever comes after that.
  void watch_lost();
  void raise_lost();
  void raise(PyObject* type);

  const void* what_ = nullptr;  // null: nothing that may be stopped
  std::size_t beside_ = 0;      // begin_between
  unsigned stretches_ = 0;
  unsigned passes_ = 0;
  unsigned long thread_ = 0;        // the interpreter's own; valid once something has begun
  PyThreadState* state_ = nullptr;  // of that thread, likewise
  PyObject* type_ = nullptr;        // what was raised since `begin`, or null; borrowed from the runtime
  Ref import_;                      // the outermost frame of the import that was seen last; held, so no other looks like it
  unsigned imports_ = 0;            // that were seen
  bool winding_up_ = false;
  bool is_told_ = false;
  bool stopping_ = false;
  std::optional<Callback<Interruptible>> hook_;  // sys.unraisablehook, while there is something to lose
  bool passing_on_ = false;                      // to the former hook, which may lead back here
  Ref former_hook_;                              // what that was before
};

}  // namespace aiointerpreters::py
