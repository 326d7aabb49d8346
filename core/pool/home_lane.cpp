// See home_lane.h.
#include "pool/home_lane.h"

#include <algorithm>

namespace aiointerpreters::pool {

std::size_t HomeLane::room() const noexcept {
  const std::size_t reserved = has_.limits.workers > has_.limits.interpreters ? has_.limits.interpreters : 0;
  const std::size_t limit = has_.limits.workers - reserved;
  return limit > has_.roster.serving_home() ? limit - has_.roster.serving_home() : 0;
}

bool HomeLane::hosts_help() const noexcept {
  return has_.limits.workers <= has_.limits.interpreters || has_.roster.threads() == has_.roster.host_count();
}

std::size_t HomeLane::wanted_workers() const noexcept { return std::min(waiting(), room()); }

bool HomeLane::has_work_for(const Seat& seat) const noexcept {
  if (waiting() == 0 || room() == 0) return false;
  return !seat.is_host() || (hosts_help() && waiting() > has_.roster.plain().available);
}

TaskPtr HomeLane::assign(Seat& seat) noexcept {
  has_.roster.serve_home(seat, true);
  return has_.backlog.pop(kName);
}

Seat* HomeLane::sleeper() const noexcept {
  const Roster::Idle& plain = has_.roster.plain();
  const Roster::Idle& hosts = has_.roster.hosts();
  if (waiting() == 0 || room() == 0 || plain.searching > 0) return nullptr;
  if (plain.parked != nullptr) return plain.parked;
  const bool can_help = hosts.parked != nullptr && hosts.searching == 0 && has_work_for(*hosts.parked);
  return can_help ? hosts.parked : nullptr;
}

}  // namespace aiointerpreters::pool
