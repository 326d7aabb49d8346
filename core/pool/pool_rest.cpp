// How a pool's interpreters end before a fork (pool.h, "Rests"), and how a worker lends its own to the thread that forks.
#include <memory>
#include <utility>

#include "pool/pool.h"

namespace aiointerpreters::pool {

void Pool::begin_rest() noexcept {
  base::Lock lock(mutex_);
  dispatch_.lifecycle.begin_rest();
  dispatch_.wake_parked_hosts();
}

void Pool::end_rest() noexcept {
  Sleeper sleeper;
  base::Lock lock(mutex_);
  dispatch_.lifecycle.end_rest();
  if (dispatch_.lifecycle.rests()) return;
  dispatch_.give_up_loops(dispatch_.limits.interpreters);  // a loop that stayed busy during the rest still exists
  if (dispatch_.lifecycle.closed()) dispatch_.wake_all_parked();
  sleeper.choose(dispatch_.choose_sleeper());
}

std::size_t Pool::ending() const noexcept {
  base::Lock lock(mutex_);
  return dispatch_.roster.count([](const Seat& seat) { return seat.is_ending; });
}

base::Wake Pool::wait_for_rest_news(std::uint32_t seen, const base::Deadline& deadline) const noexcept {
  return base::wait_on(*signals_.rest_news, seen, deadline);
}

Seat* Pool::take_lent() noexcept {
  base::Lock lock(mutex_);
  Seat* const seat = dispatch_.lent_seat();
  if (seat != nullptr) seat->is_taken = true;
  return seat;
}

void Pool::return_lent(Seat& seat, bool has_ended) noexcept {
  bool waits = false;
  std::shared_ptr<Interrupter> interrupter;
  {
    base::Lock lock(mutex_);
    seat.is_taken = false;
    if (has_ended) dispatch_.drop_interpreter(seat, interrupter);
    waits = std::exchange(seat.waits, false);
  }
  if (waits) seat.parker.unpark();
}

bool Pool::lend(Seat& seat, Lender& lender) noexcept {
  base::Lock lock(mutex_);
  if (dispatch_.must_rest(seat)) return false;
  seat.lender = &lender;
  seat.is_lent = true;
  return true;
}

bool Pool::try_reclaim(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  if (seat.is_taken) {
    seat.waits = true;
    return false;
  }
  seat.is_lent = false;
  return true;
}

void Pool::wait_to_reclaim(Seat& seat) noexcept {
  do {
    seat.parker.park();
  } while (!try_reclaim(seat));
}

}  // namespace aiointerpreters::pool
