// Lane: the place where a call runs, and what a pool asks of each such place.
//
// A lane decides for its own calls. The data that it decides by is in the pool's inventory (inventory.h), because all lanes
// share the workers. Dispatch decides over all lanes which of them a worker serves next. That happens at every call, under
// the pool's lock, and a pool knows all its lanes, so nothing is virtual here. `LaneContract` states the duties of a lane
// once; each lane's type is checked against it at its declaration.
//
// A further lane needs a name below, a pair of files beside home_lane.h, a line in Dispatch::over_lanes, and the work of its
// workers (Worker::execute, an errand of seat.h).
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

  // The number of calls that no worker has come for yet.
  { seen.waiting() } noexcept -> std::same_as<std::size_t>;
  // The number of workers without an interpreter that it could use immediately, because those with one are not enough.
  { seen.wanted_workers() } noexcept -> std::same_as<std::size_t>;
  // A parked worker that must be woken for calls that no awake worker will see; null if there is none.
  { seen.sleeper() } noexcept -> std::same_as<Seat*>;
  // Waiting calls still need a worker, although the pool is closed and no worker finds anything to do at this moment.
  { seen.keeps_workers() } noexcept -> std::same_as<bool>;

  // ---- Taking a call.

  // Whether that worker can do something for it now: begin a call, or prepare for calls.
  { seen.has_work_for(looked_at) } noexcept -> std::same_as<bool>;
  // Gives a call to the worker or, if it returns null, an errand of the seat. A worker that cannot begin a call gives it
  // back (Pool::give_back); the result of an errand is reported to the pool. Requires: has_work_for.
  { lane.assign(seat) } noexcept -> std::same_as<base::IntrusivePtr<Task>>;

  // ---- Ending.

  // Takes out calls that have not begun, except the `kept` oldest ones, for which workers are preparing.
  { lane.drain(kept, into) } noexcept;
  // The object that can stop the call; null if it does not run, or cannot be stopped. Requires: the call was submitted to
  // this pool.
  { seen.interrupter_of(task) } noexcept -> std::same_as<std::shared_ptr<Interrupter>>;
};

}  // namespace aiointerpreters::pool
