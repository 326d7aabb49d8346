// Interrupts: what is to be stopped in an interpreter, and how its visitor (visitor.h) goes about it, look by look.
// (docs/design/threading.md, "Interrupting")
//
// The interpreter's own thread runs one task at a time; the thread of its event loop runs steps of many. A look finds out
// what each of the two does now, and raises an exception there if that is due. When something is due is a matter of time,
// not of the number of looks: so looks may come as often as they like.
// Owner, thread: the visitor's.
#pragma once

#include <list>
#include <utility>

#include "base/futex.h"
#include "codec/runtime.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

// Stops whatever the interpreter's own thread runs by TaskInterrupted, and all that it begins from now on; threads that
// tasks have started get SystemExit. The event loop is told by its port. Requires: attached to it. Runs Python.
void stop_work(codec::Runtime& runtime);

// A task that is to be stopped, until it has ended.
struct Interrupt {
  // `by_loop`: it is the event loop's to cancel it.
  Interrupt(TaskPtr which, bool by_loop) : task(std::move(which)), in_loop(by_loop), asked_at(base::Clock::now()) {}

  TaskPtr task;
  bool in_loop;
  bool is_raised = false;  // in the interpreter's own thread, for the last request
  base::Clock::time_point asked_at;
  base::Clock::time_point raised_at;  // valid once is_raised
  unsigned import = 0;                // the one that it was in at the last look
  unsigned spared = 0;                // imports that it was not raised in
  // It has had the chance to end since some seconds before that. Unset: not yet, the loop has not come to it, say.
  base::Deadline patience;
  bool is_reported = false;  // the patience is over, and home's log says so
};

class Interrupts {
 public:
  explicit Interrupts(codec::Runtime& runtime) noexcept : runtime_(runtime) {}

  // The rest of a look, inside: raises what is due. `stops_all`: and in whatever the interpreter runs.
  // Requires: attached to the interpreter. Runs Python.
  void pursue(bool stops_all);

  // ---- Outside. Requires: the thread has no state of any interpreter. Blocks: no.

  void add(std::list<Interrupt> added) noexcept;
  // Begins a look: lets go of what has ended, and has those named in home's log that go on for too long. False: there is
  // nothing to pursue.
  [[nodiscard]] bool review(bool has_loop);
  // Unset: never.
  [[nodiscard]] base::Deadline next_look() const;

 private:
  using Time = base::Clock::time_point;

  [[nodiscard]] static bool spares_import(Interrupt& interrupt, py::Interruptible& thread, const void* what);
  void pursue_in_thread(Interrupt& interrupt, Time now);
  // Notes since when the loop's thread does what it does now.
  void observe_loop(Time now);
  void pursue_in_loop(Time now);
  void pursue_step(Time now);
  void pursue_leftovers(Time now);
  void pursue_loops_end(Time now);
  void interrupt_loop();
  // What sleeps in event loops of tasks' own shall see what was raised.
  void wake();

  codec::Runtime& runtime_;         // only inside
  std::list<Interrupt> in_thread_;  // the one that runs there, and those that end just now
  std::list<Interrupt> in_loop_;
  bool stops_loop_ = false;     // the event loop is to end
  unsigned stretch_ = 0;        // of the loop's thread (py/interruptible.h), at the last look
  Time since_;                  // some look has found that one, and nothing was raised in it after that
  unsigned ended_stretch_ = 0;  // a step that something was raised in to end the loop: once, as it may clean up
};

}  // namespace aiointerpreters::pool
