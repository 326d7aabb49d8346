// Broadcasts: the calls that run once in every interpreter of a pool, in the order in which they were sent.
//
// An interpreter that exists when a broadcast is sent gets it as a task of its own: the seat's `addressed` tasks, which come
// before all others. An interpreter that is created later, or is being created, runs it from this list, after the
// initializer and before its first task.
// If it fails there, and no interpreter has completed it, it has failed altogether: it is withdrawn, and the interpreter is
// used. If another interpreter has completed it, the new one is given up: calls could not rely on it.
// Owner: the pool. Locks: the pool's guards everything here, except for verdicts.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <thread>
#include <utility>

#include "codec/callable_ref.h"
#include "codec/message.h"

namespace aiointerpreters::pool {

struct Breakage;

// Whether a broadcast has succeeded or failed. The first of these counts. Thread: any. It has no lock, so a fork may come at
// any time.
class Verdict {
 public:
  // It has been completed in an interpreter. Returns why it has failed before; null if it has not.
  std::shared_ptr<const Breakage> succeed() noexcept {
    State state = State::kOpen;
    while (state != State::kFailed && !state_.compare_exchange_weak(state, State::kSucceeded)) {
    }
    return state == State::kFailed ? why_ : nullptr;
  }
  // It has failed in an interpreter. Returns false if it has succeeded before.
  bool fail(std::shared_ptr<const Breakage> why) noexcept {
    State state = State::kOpen;
    while (!state_.compare_exchange_weak(state, State::kFailing)) {
      if (state == State::kFailed || state == State::kSucceeded) return state == State::kFailed;
      if (state == State::kFailing) std::this_thread::yield();  // another thread is about to write its reason
      state = State::kOpen;
    }
    why_ = std::move(why);
    state = State::kFailing;
    return state_.compare_exchange_strong(state, State::kFailed);
  }
  [[nodiscard]] bool failed() const noexcept { return state_ == State::kFailed; }

 private:
  enum class State : std::uint8_t { kOpen, kFailing, kFailed, kSucceeded };
  std::atomic<State> state_{State::kOpen};
  std::shared_ptr<const Breakage> why_;  // written while kFailing, read when kFailed
};

// One of them. Only its verdict changes.
struct Broadcast {
  std::uint64_t id = 0;  // of no other one of its executor
  codec::CallablePtr callable;
  codec::Message arguments;
  mutable Verdict verdict;
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
