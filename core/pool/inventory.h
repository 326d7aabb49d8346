// Inventory: everything that a pool has, and decides by.
//
//   limits     how many workers and interpreters there may be
//   Backlog    the calls that wait for a worker                        backlog.h
//   Roster     the workers: idle, asleep, busy, with an interpreter    roster.h
//   Loops      the event loops of the workers' interpreters            loops.h
//   Lifecycle  closed, stopped, resting for a fork, broken             lifecycle.h
//   WarmUp     interpreters that are wanted before calls need them     warm_up.h
//   Broadcasts the calls that run once in each interpreter             broadcasts.h
//
// Owner: the pool. Locks: the pool's guards everything here.
#pragma once

#include <cstddef>

#include "pool/backlog.h"
#include "pool/broadcasts.h"
#include "pool/lifecycle.h"
#include "pool/loops.h"
#include "pool/roster.h"
#include "pool/signals.h"
#include "pool/warm_up.h"

namespace aiointerpreters::pool {

struct Inventory {
  struct Limits {
    std::size_t workers;
    std::size_t interpreters;
  };

  Inventory(Limits most, Signals& signals) noexcept : limits(most), lifecycle(signals) {}

  // The number of workers that may still become hosts.
  [[nodiscard]] std::size_t free_hosts() const noexcept {
    if (limits.interpreters <= roster.host_count() || !lifecycle.may_make_interpreter() || lifecycle.is_broken()) return 0;
    return limits.interpreters - roster.host_count();
  }
  // The number of hosts that are wanted although no call needs them.
  [[nodiscard]] std::size_t missing_hosts() const noexcept {
    return warm_up.wanted() > roster.host_count() ? warm_up.wanted() - roster.host_count() : 0;
  }
  // The worker becomes a host: it is about to create its interpreter.
  void begin_making(Seat& seat) noexcept {
    roster.begin_making(seat);
    seat.heard = 0;
    seat.has_interpreter = true;
    lifecycle.count_interpreter(+1);
  }

  Limits limits;
  Backlog backlog;
  Roster roster;
  Loops loops;
  Lifecycle lifecycle;
  WarmUp warm_up;
  Broadcasts broadcasts;
};

}  // namespace aiointerpreters::pool
