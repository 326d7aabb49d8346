// Targets: what is to be stopped in an interpreter, and how an attendant (attendant.h) goes about it, visit by visit.
// (docs/design/threading.md, "Stopping what runs")
// Owner, thread: the attendant's.
#pragma once

#include <cstddef>
#include <vector>

#include "base/futex.h"
#include "codec/runtime.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

// Stops whatever the interpreter's own thread runs by TaskInterrupted, and all that it begins from now on; threads that tasks
// have started get SystemExit. The event loop is told by its port. Requires: attached to it. Runs Python.
void stop_work(codec::Runtime& runtime);

// A task that is to be stopped, until it has ended.
struct Target {
  // `in_loop`: the event loop has been told to cancel it.
  Target(TaskPtr which, bool in_loop);

  TaskPtr task;
  bool in_loop;
  bool is_raised = false;    // at least once
  unsigned turn = 0;         // in the loop: the one it had at the last look
  unsigned looks = 0;        // that found that same turn
  unsigned import = 0;       // the one that it was in at the last look
  unsigned spared = 0;       // imports that it was not raised in
  base::Deadline report_at;  // that it goes on, unless that has been done
};

class Targets {
 public:
  explicit Targets(codec::Runtime& runtime) noexcept : runtime_(runtime) {}

  // ---- Parts of a visit. Requires: attached to the interpreter. Runs Python.

  // Interrupts those; `all`: and whatever the interpreter runs.
  void raise_in(std::vector<Target>& added, bool all);
  // Looks after all of them.
  void insist();

  // ---- Between two visits.

  // What raise_in has got is to be looked after.
  void add(std::vector<Target> added);
  // Forgets those that have ended and names in home's log those that take too long. False: there is nothing to look after.
  // Requires: the thread has no state of any interpreter. Blocks.
  [[nodiscard]] bool review(bool has_loop);
  // Unset: never.
  [[nodiscard]] base::Deadline next_look() const;

 private:
  [[nodiscard]] bool spares_import(Target& target, py::Interruptible& interruptible, const void* what);
  // What the event loop's thread does if it does something for the target; `in_loop` of them have not ended there.
  [[nodiscard]] const void* deed_in_loop(const Target& target, std::size_t in_loop) const;
  // Whether what the event loop's thread does for the target, as the last looks found it, keeps the loop from cancelling it.
  [[nodiscard]] bool is_stuck(const Target& target) const;
  void interrupt(Target& target);
  void insist_on(Target& target, std::size_t in_loop);
  void insist_on_loops_end();
  void end_loops_turn();
  // What sleeps in event loops of tasks' own shall see what was raised.
  void wake();

  codec::Runtime& runtime_;  // only inside a visit
  std::vector<Target> targets_;
  bool stops_loop_ = false;  // the event loop is to end
  unsigned loops_turn_ = 0;  // then: the one it had at the last look
  unsigned ended_turn_ = 0;  // that something was raised in, once
};

}  // namespace aiointerpreters::pool
