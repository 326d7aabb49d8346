// Interrupts: the work in an interpreter that must be stopped, and how its visitor (visitor.h) stops it, look by look.
// (docs/design/threading.md, "Interrupting")
//
// The interpreter's own thread runs one task at a time; the thread of its event loop runs steps of many. A look finds out
// what each of the two does now, and raises an exception there if that is due. Time decides when something is due, not the
// number of looks, so any number of looks is harmless.
// Owner, thread: the visitor's.
#pragma once

#include <list>
#include <utility>

#include "base/futex.h"
#include "codec/runtime.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

// Stops all work of the interpreter's own thread by TaskInterrupted, and all work that it begins from now on. Threads that
// tasks have started get SystemExit. The port of the event loop tells the loop. Requires: attached to it. Runs Python.
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
  unsigned import = 0;                // the import that it was in at the last look
  unsigned spared = 0;                // imports that it was not raised in
  // The task has been able to end since some seconds before that. Unset: not yet, for example because the loop has not
  // handled it.
  base::Deadline patience;
  bool is_reported = false;  // the patience is over, and home's log says so
};

class Interrupts {
 public:
  explicit Interrupts(codec::Runtime& runtime) noexcept : runtime_(runtime) {}

  // The rest of a look, inside: raises exceptions that are due. `stops_all`: in all work of the interpreter.
  // Requires: attached to the interpreter. Runs Python.
  void pursue(bool stops_all);

  // ---- Outside. Requires: the thread has no state of any interpreter. Blocks: no.

  void add(std::list<Interrupt> added) noexcept;
  // Begins a look: drops tasks that have ended, and names those in home's log that still run after too long. False: there is
  // nothing to pursue.
  [[nodiscard]] bool review(bool has_loop);
  // Unset: never.
  [[nodiscard]] base::Deadline next_look() const;

 private:
  using Time = base::Clock::time_point;

  [[nodiscard]] static bool spares_import(Interrupt& interrupt, py::Interruptible& thread, const void* what);
  void pursue_in_thread(Interrupt& interrupt, Time now);
  // Notes since when the loop's thread does its present work.
  void observe_loop(Time now);
  void pursue_in_loop(Time now);
  void pursue_step(Time now);
  void pursue_leftovers(Time now);
  void pursue_loops_end(Time now);
  void interrupt_loop();
  // Wakes event loops that tasks run themselves, so that they see the exception.
  void wake();

  codec::Runtime& runtime_;         // only inside
  std::list<Interrupt> in_thread_;  // the one that runs there, and those that are just ending
  std::list<Interrupt> in_loop_;
  bool stops_loop_ = false;     // the event loop must end
  unsigned stretch_ = 0;        // of the loop's thread (py/interruptible.h), at the last look
  Time since_;                  // some look has found that stretch, and nothing was raised in it after that
  unsigned ended_stretch_ = 0;  // a step in which an exception was raised to end the loop: once, as it may clean up
};

}  // namespace aiointerpreters::pool
