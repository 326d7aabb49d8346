// The event loops of a pool's interpreters (pool.h): which one a coroutine function is sent to, and who makes a further one.
#include <algorithm>
#include <memory>
#include <utility>

#include "pool/pool.h"

namespace aiointerpreters::pool {

Pool::Submitted Pool::submit_to_loop(TaskPtr task) {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    if (closed_ || breakage_) return Submitted::kRefused;
    LoopPortPtr loop = least_loaded_loop();
    const bool opens = !loop || (loop->live > 0 && can_open_loop());
    if (opens) {
      loops_.push_back(std::make_shared<LoopPort>());
      loop = loops_.back();
      ++unbound_loops_;
    }
    ++loop->live;
    task->loop = loop;
    static_cast<void>(loop->mailbox->post(std::move(task)));  // under the lock, so that no loop can be gone meanwhile
    if (!opens) return Submitted::kQueued;
    count_queued();
    if (needs_thread()) {
      count_thread_in();
      return Submitted::kNeedsThread;
    }
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
  return Submitted::kQueued;
}

LoopPortPtr Pool::open_loop(Seat& seat) noexcept {
  withdraw(seat);
  base::Lock lock(mutex_);
  seat.must_open_loop = false;
  return seat.loop;
}

void Pool::count_out(LoopPort& loop) noexcept {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    if (--loop.live > 0 || rests_ == 0) return;
    for (Seat* seat = seats_; seat != nullptr; seat = seat->next_seat) {
      if (seat->loop.get() == &loop && seat->standing == Seat::Standing::kParked) sleeper = unpark(*seat);
    }
  }
  if (sleeper != nullptr) sleeper->parker.unpark();  // it has to rest
}

bool Pool::is_idle(const LoopPort& loop) const noexcept {
  base::Lock lock(mutex_);
  return loop.live == 0;
}

Mail Pool::retire(LoopPort& loop) noexcept {
  base::Lock lock(mutex_);
  for (Seat* seat = seats_; seat != nullptr; seat = seat->next_seat) {
    if (seat->loop.get() == &loop) drop_loop(*seat);
  }
  return loop.mailbox->take();
}

LoopPortPtr Pool::least_loaded_loop() const {
  const auto least = std::ranges::min_element(loops_, {}, &LoopPort::live);
  return least == loops_.end() ? nullptr : *least;
}

std::size_t Pool::available_for_loops(Seat** sleeper) const noexcept {
  std::size_t entered = 0;
  std::size_t available = 0;
  for (Seat* seat = seats_; seat != nullptr; seat = seat->next_seat) {
    ++entered;
    if (seat->standing == Seat::Standing::kBusy || !can_have_loop(*seat)) continue;
    ++available;
    if (sleeper != nullptr && seat->standing == Seat::Standing::kParked) *sleeper = seat;
  }
  return available + (free_hosts() > 0 ? threads_ - entered : 0);
}

bool Pool::can_have_loop(const Seat& seat) const noexcept {
  return !seat.loop && (seat.is_host || (free_hosts() > 0 && rests_ == 0));
}

bool Pool::can_open_loop() const noexcept {
  return available_for_loops() > unbound_loops_ || (threads_ < options_->max_workers && free_hosts() > 0);
}

void Pool::bind_loop(Seat& seat) noexcept {
  const auto loop = std::ranges::find(loops_, false, &LoopPort::is_bound);
  seat.loop = *loop;
  seat.loop->is_bound = true;
  seat.must_open_loop = true;
  --unbound_loops_;
  if (!seat.is_host) set_host(seat, true);
  count_queued();
  if (closed_) wake_all_parked();  // they may leave now
}

void Pool::drop_loop(Seat& seat) noexcept {
  std::erase(loops_, seat.loop);
  seat.loop.reset();
}

}  // namespace aiointerpreters::pool
