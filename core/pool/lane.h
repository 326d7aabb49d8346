// Lane: where a call runs, and what a pool asks of each such place.
//
// A lane decides for its own calls; what it decides by is in the pool's inventory (inventory.h),
// since all lanes share the workers.
// Which of them a worker serves next, Dispatch decides over all. That happens at every call, under the pool's lock, and a
// pool knows all its lanes: so there is nothing virtual here. What a lane has to do is said once, by `LaneContract`, which
// each lane's type is checked against where it is declared.
//
// A further lane is a name below, a pair of files beside home_lane.h, a line in Dispatch::over_lanes, and what its workers
// do (Worker::execute, an errand of seat.h).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/intrusive.h"

namespace aiointerpreters::pool {

class Interrupter;
class Task;
class TaskList;
struct Seat;

enum class Lane : std::uint8_t {
  kHome,          // threads attached to home: untagged calls, whose objects never leave home  (home_lane.h)
  kInterpreters,  // the workers' interpreters, one call at a time in each                     (interpreter_lane.h)
  kLoops,         // the event loops of those interpreters: coroutine functions                (loop_lane.h)
};

// Locks: the pool's, for every function. None blocks, allocates or throws.
template <typename Type>
concept LaneContract = requires(Type lane, const Type& seen, Seat& seat, const Seat& looked_at, const Task& task,
                                std::size_t kept, TaskList& into) {
  // Which lane it is.
  requires std::same_as<decltype(Type::kName), const Lane>;

  // ---- Its load.

  // How much there is that no worker has come for yet.
  { seen.waiting() } noexcept -> std::same_as<std::size_t>;
  // How many workers it could make use of at once that have no interpreter: those that have one do not suffice.
  { seen.wanted_workers() } noexcept -> std::same_as<std::size_t>;
  // A parked worker to be woken for what nobody awake will see to; null if there is none.
  { seen.sleeper() } noexcept -> std::same_as<Seat*>;
  // What waits still needs a worker, though the pool is closed and none finds anything to do at this moment.
  { seen.keeps_workers() } noexcept -> std::same_as<bool>;

  // ---- Taking a call.

  // Whether that worker can do something for it now: begin a call, or get ready for calls.
  { seen.has_work_for(looked_at) } noexcept -> std::same_as<bool>;
  // Gives it to the worker: a call or, null, an errand of the seat. Who cannot begin a call gives it back (Pool::give_back),
  // and what comes of an errand is told to the pool. Requires: has_work_for.
  { lane.assign(seat) } noexcept -> std::same_as<base::IntrusivePtr<Task>>;

  // ---- Ending.

  // Takes out what has not begun, but the `kept` oldest calls, for which workers are getting ready.
  { lane.drain(kept, into) } noexcept;
  // Who can stop the call; null if it does not run, or nobody can. Requires: the call was submitted to this pool.
  { seen.interrupter_of(task) } noexcept -> std::same_as<std::shared_ptr<Interrupter>>;
};

}  // namespace aiointerpreters::pool
