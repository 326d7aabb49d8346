// Broadcasts: the calls that run once in every interpreter of a pool, in the order in which they were sent.
//
// An interpreter that exists when a broadcast is sent gets it as a task of its own: the seat's `addressed` tasks, which come
// before all others. An interpreter that is created later, or is being created, runs it from this list, after the
// initializer and before its first task.
// Owner: the pool. Locks: the pool's guards everything here.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "codec/callable_ref.h"
#include "codec/message.h"

namespace aiointerpreters::pool {

// One of them. It never changes.
struct Broadcast {
  std::uint64_t id = 0;  // of no other one of its executor
  codec::CallablePtr callable;
  codec::Message arguments;
};
using BroadcastPtr = std::shared_ptr<const Broadcast>;

class Broadcasts {
 public:
  struct Entry {
    BroadcastPtr call;
    std::uint64_t place = 0;  // grows along the list
  };
  using Node = std::list<Entry>;  // of one element, so that adding it allocates nothing

  void add(Node& node) noexcept {
    node.front().place = ++last_place_;
    sent_.splice(sent_.end(), node);
  }
  // The first one after the place `heard`, which becomes its place; null if there is none.
  [[nodiscard]] BroadcastPtr next(std::uint64_t& heard) const noexcept {
    for (const Entry& each : sent_) {
      if (each.place <= heard) continue;
      heard = each.place;
      return each.call;
    }
    return nullptr;
  }
  // New interpreters do not run it. Returns an object that must be freed without the lock.
  [[nodiscard]] Node withdraw(std::uint64_t id) noexcept {
    Node withdrawn;
    for (auto each = sent_.begin(); each != sent_.end(); ++each) {
      if (each->call->id != id) continue;
      withdrawn.splice(withdrawn.end(), sent_, each);
      break;
    }
    return withdrawn;
  }

 private:
  Node sent_;
  std::uint64_t last_place_ = 0;
};

}  // namespace aiointerpreters::pool
