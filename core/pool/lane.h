// Lane: the place where a call runs, and the requirements of a pool for each such place.
//
// A lane decides for its own calls. All lanes share the workers, so the data for the decisions is in the pool's inventory
// (inventory.h). Dispatch decides which lane a worker serves next. This happens at every call, under the pool's lock, and a
// pool knows all its lanes. So there are no virtual functions. `LaneContract` states the duties of a lane, and each lane's
// type is checked against it at its declaration.
//
// A new lane needs a name below, a pair of files beside home_lane.h, a line in Dispatch::over_lanes, and the work of its
// workers (Worker::execute, an errand in seat.h).
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

// Locks: the pool's, for every function. No function blocks, allocates or throws.
template <typename Type>
concept LaneContract = requires(Type lane, const Type& seen, Seat& seat, const Seat& looked_at, const Task& task,
                                std::size_t kept, TaskList& into) {
  // Which lane it is.
  requires std::same_as<decltype(Type::kName), const Lane>;

  // ---- Its load.

  // The number of calls that no worker has taken yet.
  { seen.waiting() } noexcept -> std::same_as<std::size_t>;
  // The number of workers without an interpreter that it could use at once, because there are not enough hosts.
  { seen.wanted_workers() } noexcept -> std::same_as<std::size_t>;
  // A parked worker that must be woken for calls that no awake worker will see; null if there is none.
  { seen.sleeper() } noexcept -> std::same_as<Seat*>;
  // Whether waiting calls still need a worker although the pool is closed and no worker can do anything at this moment.
  { seen.keeps_workers() } noexcept -> std::same_as<bool>;

  // ---- Taking a call.

  // Whether that worker can do something for the lane now: begin a call, or prepare for calls.
  { seen.has_work_for(looked_at) } noexcept -> std::same_as<bool>;
  // Gives the worker a call, or sets an errand of the seat and returns null. A worker that cannot begin a call gives it
  // back (Pool::give_back). It reports the result of an errand to the pool. Requires: has_work_for.
  { lane.assign(seat) } noexcept -> std::same_as<base::IntrusivePtr<Task>>;

  // ---- Ending.

  // Takes out calls that have not begun, except the `kept` oldest ones, for which workers are preparing.
  { lane.drain(kept, into) } noexcept;
  // The object that can stop the call; null if it does not run, or cannot be stopped. Requires: the call was submitted to
  // this pool.
  { seen.interrupter_of(task) } noexcept -> std::same_as<std::shared_ptr<Interrupter>>;
};

}  // namespace aiointerpreters::pool
