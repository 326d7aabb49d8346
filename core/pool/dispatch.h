// Dispatch: a pool's decisions over all its lanes: which worker gets which task, which worker is woken, when a thread is
// needed. Each lane says what it needs (lane.h). Dispatch combines these needs, because the lanes share the workers.
//
//   HomeLane         threads attached to home                    home_lane.h
//   InterpreterLane  the workers' interpreters                   interpreter_lane.h
//   LoopLane         the event loops of those interpreters       loop_lane.h
//
// Owner: the pool. Locks: none, the pool's guards everything here.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "pool/census.h"
#include "pool/home_lane.h"
#include "pool/interpreter_lane.h"
#include "pool/inventory.h"
#include "pool/loop_lane.h"
#include "pool/signals.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

// After a change of the inventory, call the matching function under "After a change".
class Dispatch : public Inventory {
 public:
  Dispatch(Limits most, Signals& signals) noexcept : Inventory(most, signals), signals_(signals) {}

  // ---- For a worker.

  // Gives it a task or an errand; null if it gets an errand, or neither.
  [[nodiscard]] TaskPtr pick(Seat& seat) noexcept;
  [[nodiscard]] bool may_leave() noexcept;
  [[nodiscard]] bool must_rest(const Seat& seat) const noexcept;
  // A worker that has to rest and has lent its interpreter to no thread yet; null if there is none.
  [[nodiscard]] Seat* lent_seat() const noexcept;
  // The worker has no interpreter any more. `interrupter` receives an object that must be dropped without the lock.
  void drop_interpreter(Seat& seat, std::shared_ptr<Interrupter>& interrupter) noexcept;

  // ---- For threads that queue.

  // Whether the waiting tasks need one more thread. If so, the thread counts as expected.
  [[nodiscard]] bool claim_thread() noexcept;
  // Chooses a parked worker for tasks that no awake worker will see; null if there is none. It counts as searching from
  // then on.
  [[nodiscard]] Seat* choose_sleeper() noexcept;
  void wake_all_parked() noexcept;
  void wake_parked_hosts() noexcept { wake_parked(roster.hosts()); }
  // See broadcasts.h. Each worker whose interpreter is ready gets one of the tasks, after `prepare(task)`. Requires: there
  // are `roster.ready()` tasks or more; the others stay in `tasks`.
  template <typename Prepare>
  void broadcast(Broadcasts::Node& call, TaskList& tasks, Prepare&& prepare) noexcept {
    roster.for_each([&](Seat& seat) {
      if (seat.hosting != Seat::Hosting::kReady) return;
      TaskPtr task = tasks.pop();
      prepare(*task);
      task->is_addressed = true;
      seat.addressed.push(std::move(task));
    });
    broadcasts.add(call);
    wake_parked_hosts();
  }
  // The event loop for the next coroutine function. Null: one has to be added first.
  [[nodiscard]] LoopPortPtr loop_for_task(bool may_add) noexcept { return loop_lane().port_for_call(may_add); }
  // Only `most` loops are possible, fewer than wanted. The tasks of ports without a worker move to existing loops.
  void give_up_loops(std::size_t most) noexcept { loop_lane().give_up(most); }
  // Takes no more tasks. Those that wait for interpreters to be ready do not wait any longer.
  void close() noexcept;
  // Takes out tasks that have not started, except the `kept` oldest tasks for interpreters.
  void drain(Lifecycle::Scope scope, std::size_t kept, TaskList& into) noexcept;
  // The present figures. `interpreters`: how many the pool has.
  [[nodiscard]] Census count(std::size_t interpreters) const noexcept;
  // Like the lane's function.
  [[nodiscard]] std::shared_ptr<Interrupter> interrupter_of(const Task& task) noexcept;

  // ---- After a change.

  void note_queued() noexcept;   // the queues, the loops or the lifecycle have changed
  void note_threads() noexcept;  // the number of threads has changed
  void note_hosts() noexcept;    // a host is ready, or a task waits for hosts to be ready

 private:
  [[nodiscard]] HomeLane home_lane() noexcept { return HomeLane(*this); }
  [[nodiscard]] InterpreterLane interpreter_lane() noexcept { return InterpreterLane(*this); }
  [[nodiscard]] LoopLane loop_lane() noexcept { return LoopLane(*this); }
  // Calls `use` with all lanes, in the order in which workers are woken for them.
  template <typename Use>
  auto over_lanes(Use&& use) noexcept {
    return use(loop_lane(), interpreter_lane(), home_lane());
  }
  // Requires: the lane has work for the worker.
  template <LaneContract L>
  [[nodiscard]] TaskPtr assign(L lane, Seat& seat) noexcept;
  [[nodiscard]] bool needs_thread() noexcept;
  // Queues tasks before all others.
  void queue_first(TaskList tasks) noexcept;
  // Under the lock, so that no worker can disappear before it is woken.
  void wake_parked(const Roster::Idle& idle) noexcept;
  [[nodiscard]] bool prefers_interpreters(const Seat& seat) const noexcept;

  Signals& signals_;
};

}  // namespace aiointerpreters::pool
