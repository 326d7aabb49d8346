// LoopLane: coroutine functions, many at once in the event loop of a worker's interpreter.
//
// Its calls wait at the ports of the loops (loop_port.h), not for a worker: the port with the fewest calls gets the next
// one. A port that has no loop yet waits for a worker.
// Owner, locks: Dispatch.
#pragma once

#include <cstddef>
#include <memory>

#include "pool/inventory.h"
#include "pool/lane.h"

namespace aiointerpreters::pool {

class LoopLane {
 public:
  static constexpr Lane kName = Lane::kLoops;
  explicit LoopLane(Inventory& inventory) noexcept : has_(inventory) {}

  [[nodiscard]] std::size_t waiting() const noexcept { return has_.loops.unbound(); }
  [[nodiscard]] std::size_t wanted_workers() const noexcept;  // should become hosts with a loop
  [[nodiscard]] Seat* sleeper() const noexcept;
  [[nodiscard]] bool keeps_workers() const noexcept { return waiting() > 0; }
  [[nodiscard]] bool has_work_for(const Seat& seat) const noexcept { return waiting() > 0 && can_have_loop(seat); }
  [[nodiscard]] TaskPtr assign(Seat& seat) noexcept;  // always an errand
  // Keeps none, because no worker prepares for one particular call.
  void drain(std::size_t, TaskList& into) noexcept { has_.loops.drain(into); }
  [[nodiscard]] std::shared_ptr<Interrupter> interrupter_of(const Task& task) const noexcept { return task.port; }

  // The port for the next call. Null: one has to be added first.
  [[nodiscard]] LoopPortPtr port_for_call(bool may_add) const noexcept;
  // Only `most` loops are possible, fewer than wanted. The calls of ports without a worker move to existing loops.
  void give_up(std::size_t most) noexcept;

 private:
  [[nodiscard]] bool can_have_loop(const Seat& seat) const noexcept;

  Inventory& has_;
};

static_assert(LaneContract<LoopLane>);

}  // namespace aiointerpreters::pool
