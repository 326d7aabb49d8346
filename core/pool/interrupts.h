// Interrupts: the work in an interpreter that must be stopped, and how its visitor (visitor.h) stops it, look by look
// (docs/design/threading.md, "Interrupting").
//
// The interpreter's own thread runs one task at a time. The thread of its event loop runs steps of many tasks. A look finds
// out what each of the two threads does now, and raises an exception there if that is due. Only time decides when something
// is due, so any number of looks is harmless.
// Owner, thread: the visitor's.
#pragma once

#include <list>
#include <utility>

#include "base/futex.h"
#include "codec/runtime.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

// Raises TaskInterrupted in the interpreter's own thread, whatever it does, and stops all work that it begins from now on.
// Threads that tasks have started get SystemExit. (The port tells the event loop.) Requires: attached to it. Runs Python.
void stop_work(codec::Runtime& runtime);

// A task that must be stopped, until it has ended.
struct Interrupt {
  // `by_loop`: the event loop will cancel it.
  Interrupt(TaskPtr which, bool by_loop) : task(std::move(which)), in_loop(by_loop), asked_at(base::Clock::now()) {}

  TaskPtr task;
  bool in_loop;
  bool is_raised = false;  // in the interpreter's own thread, for the last request
  base::Clock::time_point asked_at;
  base::Clock::time_point raised_at;  // valid once is_raised
  unsigned import = 0;                // the number of the import that it was in at the last look
  unsigned spared = 0;                // the number of imports that were not interrupted
  // The deadline for the task to end by itself. It is set when the task can end: when it has been seen running, or its loop
  // has cancelled it.
  base::Deadline patience;
  bool is_reported = false;  // the deadline has passed, and home's log says so
};

class Interrupts {
 public:
  explicit Interrupts(codec::Runtime& runtime) noexcept : runtime_(runtime) {}

  // The second part of a look, inside the interpreter: raises exceptions that are due. `stops_all`: all work of the
  // interpreter must be stopped.
  // Requires: attached to the interpreter. Runs Python.
  void pursue(bool stops_all);

  // ---- Outside the interpreter. Requires: the thread has no state of any interpreter. Blocks: no.

  void add(std::list<Interrupt> added) noexcept;
  // The first part of a look: drops tasks that have ended, and names in home's log those that still run after too long.
  // False: nothing is left to stop.
  [[nodiscard]] bool review(bool has_loop);
  // Unset: never.
  [[nodiscard]] base::Deadline next_look() const;

 private:
  using Time = base::Clock::time_point;

  [[nodiscard]] static bool spares_import(Interrupt& interrupt, py::Interruptible& thread, const void* what);
  void pursue_in_thread(Interrupt& interrupt, Time now);
  // Records when the loop's thread began its current stretch.
  void observe_loop(Time now);
  void pursue_in_loop(Time now);
  void pursue_step(Time now);
  void pursue_leftovers(Time now);
  void pursue_loops_end(Time now);
  void interrupt_loop();
  // Wakes event loops that tasks run themselves, so that the exception takes effect there.
  void wake();

  codec::Runtime& runtime_;         // used only inside the interpreter
  std::list<Interrupt> in_thread_;  // the task that runs there, and tasks that are just ending
  std::list<Interrupt> in_loop_;
  bool stops_loop_ = false;     // the event loop must end
  unsigned stretch_ = 0;        // of the loop's thread (py/interruptible.h), at the last look
  Time since_;                  // the look that first saw that stretch, or when an exception was last raised in it
  unsigned ended_stretch_ = 0;  // the step that has got an exception to end the loop: only once, because it may clean up
};

}  // namespace aiointerpreters::pool
