// HomeLane: untagged calls, run by workers that are attached to home.
//
// If there are more workers than interpreters, this lane leaves one worker free for each interpreter. Untagged calls may
// block, but then they never delay an interpreter that exists or may be needed. If there may be as many interpreters as
// workers, all workers are shared. A host runs an untagged call only if no plain worker is available for it, and if all
// workers are shared or all threads are hosts.
// Owner, locks: Dispatch.
#pragma once

#include <cstddef>
#include <memory>

#include "pool/inventory.h"
#include "pool/lane.h"

namespace aiointerpreters::pool {

class HomeLane {
 public:
  static constexpr Lane kName = Lane::kHome;
  explicit HomeLane(Inventory& inventory) noexcept : has_(inventory) {}

  [[nodiscard]] std::size_t waiting() const noexcept { return has_.backlog.size(kName); }
  [[nodiscard]] std::size_t wanted_workers() const noexcept;
  [[nodiscard]] Seat* sleeper() const noexcept;
  [[nodiscard]] bool keeps_workers() const noexcept { return false; }  // existing workers run the calls before they leave
  [[nodiscard]] bool has_work_for(const Seat& seat) const noexcept;
  [[nodiscard]] TaskPtr assign(Seat& seat) noexcept;
  void drain(std::size_t kept, TaskList& into) noexcept { has_.backlog.take(kName, kept, into); }
  // Untagged calls cannot be stopped.
  [[nodiscard]] std::shared_ptr<Interrupter> interrupter_of(const Task&) const noexcept { return nullptr; }

 private:
  // The number of calls that may be started now.
  [[nodiscard]] std::size_t room() const noexcept;
  [[nodiscard]] bool hosts_help() const noexcept;

  Inventory& has_;
};

static_assert(LaneContract<HomeLane>);

}  // namespace aiointerpreters::pool
