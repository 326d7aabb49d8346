// Loops: the event loops of a pool's interpreters, those included that are only wanted: a port is there before a worker makes
// its loop.
// Owner: the pool. Locks: none, the pool's guards everything here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "pool/loop_port.h"

namespace aiointerpreters::pool {

class Loops {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return ports_.size(); }
  // Those that no worker has yet.
  [[nodiscard]] std::size_t unbound() const noexcept { return unbound_; }
  // The one with the fewest tasks; null if there is none.
  [[nodiscard]] LoopPortPtr least_loaded() const {
    const auto least = std::ranges::min_element(ports_, {}, &LoopPort::live);
    return least == ports_.end() ? nullptr : *least;
  }
  // Adds one that some worker has to make. Errors: std::bad_alloc.
  [[nodiscard]] LoopPortPtr add() {
    ports_.push_back(std::make_shared<LoopPort>());
    ++unbound_;
    return ports_.back();
  }
  // Gives the next unbound one to a worker. Requires: there is one.
  [[nodiscard]] LoopPortPtr bind() noexcept {
    const LoopPortPtr& port = *std::ranges::find(ports_, false, &LoopPort::is_bound);
    port->is_bound = true;
    --unbound_;
    return port;
  }
  void erase(const LoopPortPtr& port) noexcept { std::erase(ports_, port); }
  // How many tasks there can be that have not begun.
  [[nodiscard]] std::size_t waiting() const noexcept {
    std::size_t tasks = 0;
    for (const LoopPortPtr& port : ports_) tasks += port->live;
    return tasks;
  }
  // Takes all that have not begun and forgets the loops that no worker has; `take(task)` gets each.
  template <typename Take>
  void drain(Take&& take) {
    for (const LoopPortPtr& port : ports_) {
      TaskList mail = port->take_all();
      while (TaskPtr task = mail.pop()) {
        --port->live;
        take(std::move(task));
      }
      port->mailbox->remind();  // it may end now
    }
    std::erase_if(ports_, [](const LoopPortPtr& port) { return !port->is_bound; });
    unbound_ = 0;
  }

 private:
  std::vector<LoopPortPtr> ports_;
  std::size_t unbound_ = 0;
};

}  // namespace aiointerpreters::pool
