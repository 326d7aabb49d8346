// Loops: the event loops of a pool's interpreters. A port exists before a worker creates its loop; until then it is
// unbound. The ports form a binary heap by the number of their tasks, so the one with the fewest is found at once.
// Owner: the pool. Locks: none, the pool's guards everything here but `Room::make`.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "pool/loop_port.h"
#include "pool/seat.h"

namespace aiointerpreters::pool {

class Loops {
 public:
  // The memory that adding a port needs, allocated before the lock is taken.
  struct Room {
    LoopPortPtr port;
    std::vector<LoopPortPtr> places;
    // Room for one port more than `size`. Thread: any. Errors: std::bad_alloc.
    [[nodiscard]] static Room make(std::size_t size) {
      Room room;
      room.port = std::make_shared<LoopPort>();
      room.places.reserve(2 * size + 1);
      return room;
    }
  };

  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  // The number of ports that no worker has yet.
  [[nodiscard]] std::size_t unbound() const noexcept { return unbound_; }
  // The port with the fewest tasks; null if there is none.
  [[nodiscard]] LoopPortPtr least_loaded() const noexcept { return heap_.empty() ? nullptr : heap_.front(); }
  // A port that no worker has yet; null if there is none.
  [[nodiscard]] LoopPortPtr first_unbound() const noexcept;
  // The port with the fewest tasks, among those that workers have. Requires: there is one.
  [[nodiscard]] LoopPortPtr least_loaded_bound() const noexcept;
  [[nodiscard]] bool fits(const Room& room) const noexcept {
    return room.port && (heap_.capacity() > heap_.size() || room.places.capacity() > heap_.size());
  }
  // Adds a port that some worker has to bind. Requires: fits(room). Afterwards `room` holds memory that must be freed
  // without the lock.
  LoopPortPtr add(Room& room) noexcept;
  // Gives the seat an unbound port. Requires: there is one.
  LoopPortPtr bind(Seat& seat) noexcept;
  // Takes an unbound port out. Requires: there is one.
  LoopPortPtr take_unbound() noexcept;
  void erase(LoopPort& port) noexcept;

  void count_in(LoopPort& port) noexcept { ++port.live, sink(port.place); }
  void count_out(LoopPort& port) noexcept { --port.live, rise(port.place); }

  // Takes all tasks that have not begun and forgets the ports that no worker has.
  void drain(TaskList& into) noexcept;

 private:
  void put(std::size_t place, LoopPortPtr port) noexcept;
  void rise(std::size_t place) noexcept;
  void sink(std::size_t place) noexcept;
  // Whether a port is in the heap. Tasks of ports that were erased may still end.
  [[nodiscard]] bool holds(std::size_t place) const noexcept { return place < heap_.size(); }

  std::vector<LoopPortPtr> heap_;
  std::size_t unbound_ = 0;
};

}  // namespace aiointerpreters::pool
