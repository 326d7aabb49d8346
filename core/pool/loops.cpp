// See loops.h.
#include "pool/loops.h"

#include <algorithm>
#include <limits>

namespace aiointerpreters::pool {

namespace {
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
}

LoopPortPtr Loops::add(Room& room) noexcept {
  if (heap_.size() == heap_.capacity()) {
    for (LoopPortPtr& port : heap_) room.places.push_back(std::move(port));
    heap_.swap(room.places);
  }
  heap_.push_back(std::move(room.port));
  const LoopPortPtr added = heap_.back();
  added->place = heap_.size() - 1;
  rise(added->place);
  ++unbound_;
  return added;
}

LoopPortPtr Loops::first_unbound() const noexcept {
  const auto found = std::ranges::find(heap_, nullptr, &LoopPort::seat);
  return found == heap_.end() ? nullptr : *found;
}

LoopPortPtr Loops::least_loaded_bound() const noexcept {
  const auto weight = [](const LoopPortPtr& port) {
    return port->seat == nullptr ? std::numeric_limits<std::size_t>::max() : port->live;
  };
  return *std::ranges::min_element(heap_, {}, weight);
}

LoopPortPtr Loops::bind(Seat& seat) noexcept {
  const LoopPortPtr port = first_unbound();
  port->seat = &seat;
  --unbound_;
  return port;
}

LoopPortPtr Loops::take_unbound() noexcept {
  const LoopPortPtr port = first_unbound();
  erase(*port);
  return port;
}

void Loops::erase(LoopPort& port) noexcept {
  if (!holds(port.place) || heap_[port.place].get() != &port) return;
  if (port.seat == nullptr) --unbound_;
  const std::size_t place = std::exchange(port.place, kNowhere);
  const LoopPortPtr last = std::move(heap_.back());
  heap_.pop_back();
  if (place == heap_.size()) return;
  put(place, last);
  rise(place);
  sink(place);
}

void Loops::drain(TaskList& into) noexcept {
  for (std::size_t place = 0; place < heap_.size();) {
    LoopPort& port = *heap_[place];
    TaskList mail = port.take_all();
    std::size_t taken = 0;
    while (TaskPtr task = mail.pop()) {
      ++taken;
      into.push(std::move(task));
    }
    port.live -= taken;
    port.mailbox->remind();  // its loop may end now
    ++place;
  }
  std::erase_if(heap_, [](const LoopPortPtr& port) {
    if (port->seat == nullptr) port->place = kNowhere;
    return port->seat == nullptr;
  });
  unbound_ = 0;
  std::ranges::make_heap(heap_, [](const LoopPortPtr& a, const LoopPortPtr& b) { return a->live > b->live; });
  for (std::size_t place = 0; place < heap_.size(); ++place) heap_[place]->place = place;
}

void Loops::put(std::size_t place, LoopPortPtr port) noexcept {
  port->place = place;
  heap_[place] = std::move(port);
}

void Loops::rise(std::size_t place) noexcept {
  if (!holds(place)) return;
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (heap_[parent]->live <= heap_[place]->live) return;
    const LoopPortPtr lighter = heap_[place];
    put(place, heap_[parent]);
    put(parent, lighter);
    place = parent;
  }
}

void Loops::sink(std::size_t place) noexcept {
  if (!holds(place)) return;
  for (;;) {
    std::size_t least = place;
    for (const std::size_t child : {2 * place + 1, 2 * place + 2}) {
      if (holds(child) && heap_[child]->live < heap_[least]->live) least = child;
    }
    if (least == place) return;
    const LoopPortPtr heavier = heap_[place];
    put(place, heap_[least]);
    put(least, heavier);
    place = least;
  }
}

}  // namespace aiointerpreters::pool
