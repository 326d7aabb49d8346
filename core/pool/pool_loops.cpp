// The event loops of a pool's interpreters (pool.h): which one gets a coroutine function, and which worker creates another.
#include <memory>
#include <new>
#include <utility>

#include "pool/pool.h"

namespace aiointerpreters::pool {

Pool::Submitted Pool::submit_to_loop(TaskPtr task) {
  record(*task, Recorder::Event::kQueued);
  Loops::Room room;
  for (bool has_memory = true;;) {
    std::size_t size = 0;
    {
      Sleeper sleeper;
      base::Lock lock(mutex_);
      if (dispatch_.lifecycle.closed() || dispatch_.lifecycle.broken(Lane::kLoops)) return Submitted::kRefused;
      LoopPortPtr loop = dispatch_.loop_for_task(has_memory);
      const bool opens = !loop;
      if (!opens || dispatch_.loops.fits(room)) {
        if (opens) loop = dispatch_.loops.add(room);
        dispatch_.loops.count_in(*loop);
        task->pool = this;
        task->port = loop;
        static_cast<void>(loop->mailbox->post(std::move(task)));  // under the lock: the loop cannot disappear
        return opens ? call_worker(sleeper) : Submitted::kQueued;
      }
      size = dispatch_.loops.size();
    }
    try {
      room = Loops::Room::make(size);
    } catch (const std::bad_alloc&) {
      if (size == 0) throw;
      has_memory = false;  // the existing loops have to do
    }
  }
}

LoopPortPtr Pool::open_loop(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  seat.errand = Seat::Errand::kNone;
  return seat.loop;
}

void Pool::count_out(LoopPort& loop) noexcept {
  Sleeper sleeper;
  base::Lock lock(mutex_);
  dispatch_.loops.count_out(loop);
  if (loop.live > 0 || !dispatch_.lifecycle.rests()) return;
  Seat* const seat = loop.seat;
  if (seat == nullptr || seat->loop.get() != &loop) return;
  if (seat->duty == Seat::Duty::kParked) sleeper.choose(dispatch_.roster.unpark(*seat));  // it must rest
  dispatch_.lifecycle.announce_rest_news();                                               // or others end its interpreter
}

bool Pool::is_idle(const LoopPort& loop) const noexcept {
  base::Lock lock(mutex_);
  return loop.live == 0;
}

TaskList Pool::retire(LoopPort& loop) noexcept {
  base::Lock lock(mutex_);
  Seat* const seat = loop.seat;
  dispatch_.loops.erase(loop);
  TaskList mail = loop.take_all();
  if (seat != nullptr && seat->loop.get() == &loop) dispatch_.roster.set_loop(*seat, nullptr);
  return mail;
}

}  // namespace aiointerpreters::pool
