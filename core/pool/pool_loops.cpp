// The event loops of a pool's interpreters (pool.h): which one a coroutine function is sent to, and who makes a further one.
#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "pool/pool.h"

namespace aiointerpreters::pool {

Pool::Submitted Pool::submit_to_loop(TaskPtr task) {
  record(*task, Recorder::Event::kQueued);
  Loops::Room room;
  for (bool has_memory = true;;) {
    Seat* sleeper = nullptr;
    Submitted submitted = Submitted::kQueued;
    std::size_t size = 0;
    bool is_sent = false;
    {
      base::Lock lock(mutex_);
      if (lifecycle_.closed() || lifecycle_.broken(Side::kWorker)) return Submitted::kRefused;
      LoopPortPtr loop = loops_.least_loaded();
      size = loops_.size();
      const std::size_t threads_left = max_workers_ > roster_.threads() ? max_workers_ - roster_.threads() : 0;
      const bool is_room = available_for_loops(threads_left) > loops_.unbound();
      const bool opens = !loop || (loop->live > 0 && is_room && has_memory);
      is_sent = !opens || loops_.fits(room);
      if (is_sent) {
        if (opens) loop = loops_.add(room);
        loops_.count_in(*loop);
        task->pool = this;
        task->port = loop;
        static_cast<void>(loop->mailbox->post(task));  // under the lock, so that no loop can be gone meanwhile
        if (opens) submitted = call_worker(sleeper);
      }
    }
    if (sleeper != nullptr) sleeper->parker.unpark();
    if (is_sent) return submitted;
    try {
      room = Loops::Room::make(size);
    } catch (const std::bad_alloc&) {
      if (size == 0) throw;
      has_memory = false;  // those that there are have to do
    }
  }
}

LoopPortPtr Pool::open_loop(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  seat.errand = Seat::Errand::kNone;
  return seat.loop;
}

void Pool::count_out(LoopPort& loop) noexcept {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    loops_.count_out(loop);
    if (loop.live > 0 || !lifecycle_.rests()) return;
    Seat* const seat = loop.seat;
    if (seat == nullptr || seat->loop.get() != &loop) return;
    if (seat->duty == Seat::Duty::kParked) sleeper = roster_.unpark(*seat);  // it has to rest
    lifecycle_.announce_rest_news();                                          // or others end its interpreter
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
}

bool Pool::is_idle(const LoopPort& loop) const noexcept {
  base::Lock lock(mutex_);
  return loop.live == 0;
}

TaskList Pool::retire(LoopPort& loop) noexcept {
  base::Lock lock(mutex_);
  Seat* const seat = loop.seat;
  loops_.erase(loop);
  TaskList mail = loop.take_all();
  if (seat != nullptr && seat->loop.get() == &loop) roster_.set_loop(*seat, nullptr);
  return mail;
}

std::size_t Pool::available_for_loops(std::size_t new_threads) const noexcept {
  return roster_.idle_without_loop() + std::min(roster_.plain().available + new_threads, free_hosts());
}

Seat* Pool::sleeper_for_loop() const noexcept {
  return roster_.find([this](const Seat& seat) AIOI_REQUIRES(mutex_) {
    return seat.duty == Seat::Duty::kParked && can_have_loop(seat);
  });
}

bool Pool::can_have_loop(const Seat& seat) const noexcept {
  return !seat.loop && (seat.is_host() || (free_hosts() > 0 && !lifecycle_.rests()));
}

void Pool::bind_loop(Seat& seat) noexcept {
  roster_.set_loop(seat, loops_.bind(seat));
  seat.errand = Seat::Errand::kOpenLoop;
  if (!seat.is_host()) begin_making(seat);
  note_queued();
  if (lifecycle_.closed()) wake_all_parked();  // they may leave now
}

// There can be fewer loops than are wanted: those that there are get the tasks of the others.
void Pool::give_up_loops() noexcept {
  const std::size_t hosts = roster_.host_count();
  while (loops_.unbound() > 0 && loops_.size() > hosts && hosts > 0) {
    const LoopPortPtr given_up = loops_.take_unbound();
    const LoopPortPtr other = loops_.least_loaded();
    TaskList mail = given_up->take_all();
    for (; given_up->live > 0; --given_up->live) loops_.count_in(*other);
    while (TaskPtr task = mail.pop()) {
      task->port = other;
      static_cast<void>(other->mailbox->post(std::move(task)));
    }
  }
}

}  // namespace aiointerpreters::pool
