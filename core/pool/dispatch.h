// Dispatch: what a pool decides: who gets which task, who is woken, when a thread or an interpreter is wanted.
//
// A worker that has an interpreter is a host; the others are plain. Hosts run the tasks of the worker side. A plain worker becomes
// a host when more of those wait than hosts are idle or being made, and there are fewer than max_interpreters. It makes the
// interpreter first and takes a task then, so no task waits for that while a host is idle.
//
// With more workers than interpreters, so many workers are kept free of home's side: its tasks may block, and never hold up an
// interpreter that is there or may be needed. With as many interpreters as workers, all share: hosts run home's tasks when no
// plain worker is available for them and there can be no further thread.
//
// Owner: the pool. Locks: none, the pool's guards everything here.
#pragma once

#include <cstddef>
#include <memory>

#include "pool/backlog.h"
#include "pool/lifecycle.h"
#include "pool/loops.h"
#include "pool/roster.h"
#include "pool/signals.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

class Dispatch {
 public:
  using Side = Task::Side;
  struct Limits {
    std::size_t workers;
    std::size_t interpreters;
  };

  Dispatch(Limits most, Signals& signals) noexcept : limits(most), lifecycle(signals), signals_(signals) {}

  // The parts. Whoever changes one of them calls what stands under "After a change".
  Limits limits;
  Backlog backlog;
  Roster roster;
  Loops loops;
  Lifecycle lifecycle;

  // ---- For a worker.

  // Gives it a task or an errand; null if it gets an errand, or neither.
  [[nodiscard]] TaskPtr pick(Seat& seat) noexcept;
  [[nodiscard]] bool may_leave() const noexcept;
  [[nodiscard]] bool must_rest(const Seat& seat) const noexcept;
  // A worker that has to rest and has lent its interpreter, which nobody has taken yet; null if there is none.
  [[nodiscard]] Seat* lent_seat() const noexcept;
  // It has no interpreter any more. `interrupter` gets what is to be let go of without the lock.
  void drop_interpreter(Seat& seat, std::shared_ptr<Interrupter>& interrupter) noexcept;

  // ---- For those who queue.

  // Whether what waits needs one thread more, which is expected then.
  [[nodiscard]] bool claim_thread() noexcept;
  // Chooses a parked worker for the tasks that nobody awake will see to; null if there is none. It counts as searching then.
  [[nodiscard]] Seat* choose_sleeper() noexcept;
  void wake_all_parked() noexcept;
  // The event loop for the next coroutine function; null: one has to be added.
  [[nodiscard]] LoopPortPtr loop_for_task(bool may_add) const noexcept;
  // There can be `most` loops, fewer than are wanted: those that workers have get the tasks of the others.
  void give_up_loops(std::size_t most) noexcept;
  // Takes out what has not started, but the `kept` oldest tasks of the worker side.
  void drain(Lifecycle::Scope scope, std::size_t kept, TaskList& into) noexcept;

  // ---- After a change.

  void note_queued() noexcept;   // of the queues, the loops or the end
  void note_threads() noexcept;  // of the number of threads

 private:
  [[nodiscard]] bool give_errand(Seat& seat) noexcept;
  [[nodiscard]] bool needs_thread() const noexcept;
  // How many tasks of home's side may be started now.
  [[nodiscard]] std::size_t home_room() const noexcept;
  [[nodiscard]] bool has_home_task_for(const Seat& seat) const noexcept;
  [[nodiscard]] bool hosts_serve_home() const noexcept;
  // How many plain workers should become hosts for the tasks that wait.
  [[nodiscard]] std::size_t wanted_hosts() const noexcept;
  // How many more hosts there may be.
  [[nodiscard]] std::size_t free_hosts() const noexcept;
  [[nodiscard]] bool prefers_worker_side(const Seat& seat) const noexcept;
  // How many workers could make a loop, so many new threads included.
  [[nodiscard]] std::size_t available_for_loops(std::size_t new_threads) const noexcept;
  [[nodiscard]] bool can_have_loop(const Seat& seat) const noexcept;
  void begin_making(Seat& seat) noexcept;

  Signals& signals_;
};

}  // namespace aiointerpreters::pool
