// InterpreterLane: tagged calls, run one at a time in each worker's interpreter.
//
// A worker that has an interpreter is a host; the others are plain. A plain worker becomes a host when more calls wait than
// hosts are idle or being created, and there are fewer than max_interpreters. It creates the interpreter first and takes a
// call afterwards. So no call waits for a new interpreter while a host is idle. It also becomes a host if hosts are wanted
// before calls need them (warm_up.h).
// Owner, locks: Dispatch.
#pragma once

#include <cstddef>
#include <memory>

#include "pool/inventory.h"
#include "pool/lane.h"

namespace aiointerpreters::pool {

class InterpreterLane {
 public:
  static constexpr Lane kName = Lane::kInterpreters;
  explicit InterpreterLane(Inventory& inventory) noexcept : has_(inventory) {}

  [[nodiscard]] std::size_t waiting() const noexcept { return has_.backlog.size(kName); }
  [[nodiscard]] std::size_t wanted_workers() const noexcept;  // the number of plain workers that should become hosts
  [[nodiscard]] Seat* sleeper() const noexcept;
  // During a rest, waiting calls need a worker afterwards, because no interpreter may be created before the end of the
  // rest.
  [[nodiscard]] bool keeps_workers() const noexcept { return has_.lifecycle.rests() && waiting() > 0; }
  [[nodiscard]] bool has_work_for(const Seat& seat) const noexcept;
  [[nodiscard]] TaskPtr assign(Seat& seat) noexcept;
  void drain(std::size_t kept, TaskList& into) noexcept { has_.backlog.take(kName, kept, into); }
  // The interrupter of the interpreter whose worker has this call.
  [[nodiscard]] std::shared_ptr<Interrupter> interrupter_of(const Task& task) const noexcept;

 private:
  Inventory& has_;
};

static_assert(LaneContract<InterpreterLane>);

}  // namespace aiointerpreters::pool
