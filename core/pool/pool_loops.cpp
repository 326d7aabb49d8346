// The event loops of a pool's interpreters (pool.h): which one a coroutine function is sent to, and who makes a further one.
#include <algorithm>
#include <memory>
#include <utility>

#include "pool/pool.h"

namespace aiointerpreters::pool {

Pool::Submitted Pool::submit_to_loop(TaskPtr task) {
  Seat* sleeper = nullptr;
  Submitted submitted = Submitted::kQueued;
  {
    base::Lock lock(mutex_);
    if (closed_ || breakage_) return Submitted::kRefused;
    LoopPortPtr loop = loops_.least_loaded();
    const auto is_room = [&] { return available_for_loops(options_->max_workers - threads_) > loops_.unbound(); };
    const bool opens = !loop || (loop->live > 0 && is_room());
    if (opens) {
      loop = loops_.add();
      loop->pool = this;
    }
    ++loop->live;
    task->port = loop;
    static_cast<void>(loop->mailbox->post(std::move(task)));  // under the lock, so that no loop can be gone meanwhile
    if (!opens) return Submitted::kQueued;
    submitted = call_worker(sleeper);
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
  return submitted;
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

TaskList Pool::retire(LoopPort& loop) noexcept {
  base::Lock lock(mutex_);
  for (Seat* seat = seats_; seat != nullptr; seat = seat->next_seat) {
    if (seat->loop.get() != &loop) continue;
    loops_.erase(seat->loop);
    seat->loop.reset();
  }
  return loop.take_all();
}

std::size_t Pool::available_for_loops(std::size_t new_threads) const noexcept {
  std::size_t hosts = 0;
  std::size_t plain = threads_ + new_threads;  // those on their way, too
  for (Seat* seat = seats_; seat != nullptr; seat = seat->next_seat) {
    const bool is_idle = seat->standing != Seat::Standing::kBusy;
    if (seat->is_host || !is_idle) --plain;
    if (seat->is_host && !seat->loop && is_idle) ++hosts;
  }
  return hosts + std::min(plain, free_hosts());
}

Seat* Pool::sleeper_for_loop() const noexcept {
  Seat* sleeper = nullptr;
  for (Seat* seat = seats_; seat != nullptr; seat = seat->next_seat) {
    if (seat->standing == Seat::Standing::kParked && can_have_loop(*seat)) sleeper = seat;
  }
  return sleeper;
}

bool Pool::can_have_loop(const Seat& seat) const noexcept {
  return !seat.loop && (seat.is_host || (free_hosts() > 0 && rests_ == 0));
}

void Pool::bind_loop(Seat& seat) noexcept {
  seat.loop = loops_.bind();
  seat.must_open_loop = true;
  if (!seat.is_host) set_host(seat, true);
  count_queued();
  if (closed_) wake_all_parked();  // they may leave now
}

// Of the loops that are wanted there can be fewer now: the others get their tasks.
void Pool::give_up_loops() noexcept {
  while (loops_.unbound() > 0 && loops_.size() > max_hosts_ && max_hosts_ > 0) {
    const LoopPortPtr given_up = loops_.bind();
    loops_.erase(given_up);
    const LoopPortPtr other = loops_.least_loaded();
    other->live += given_up->live;
    TaskList mail = given_up->take_all();
    while (TaskPtr task = mail.pop()) {
      task->port = other;
      static_cast<void>(other->mailbox->post(std::move(task)));
    }
  }
}

}  // namespace aiointerpreters::pool
