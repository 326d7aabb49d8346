// See roster.h.
#include "pool/roster.h"

#include <utility>

namespace aiointerpreters::pool {

Roster::~Roster() {
  while (owned_) owned_ = std::move(owned_->next_owned);  // one by one: the list may be long
}

Seat& Roster::enter(std::unique_ptr<Seat>& spare) noexcept {
  Seat* seat = free_;
  if (seat != nullptr) {
    free_ = seat->next_free;
  } else {
    seat = spare.get();
    seat->next_owned = std::exchange(owned_, std::move(spare));
  }
  seat->next = first_;
  seat->previous = nullptr;
  if (first_ != nullptr) first_->previous = seat;
  first_ = seat;
  seat->duty = Seat::Duty::kSearching;
  ++plain_.searching;  // it has been available since it was expected
  return *seat;
}

void Roster::leave(Seat& seat) noexcept {
  if (seat.duty == Seat::Duty::kSearching) stop_searching(seat);
  (seat.previous == nullptr ? first_ : seat.previous->next) = seat.next;
  if (seat.next != nullptr) seat.next->previous = seat.previous;
  seat.current = nullptr;
  seat.next_free = std::exchange(free_, &seat);
  --threads_;
}

void Roster::search(Seat& seat) noexcept {
  seat.duty = Seat::Duty::kSearching;
  ++group(seat).searching;
  ++group(seat).available;
  list_without_loop(seat);
}

void Roster::stop_searching(Seat& seat) noexcept {
  seat.duty = Seat::Duty::kBusy;
  --group(seat).searching;
  --group(seat).available;
  list_without_loop(seat);
}

void Roster::park(Seat& seat) noexcept {
  Idle& idle = group(seat);
  --idle.searching;
  seat.duty = Seat::Duty::kParked;
  seat.previous_parked = nullptr;
  seat.next_parked = std::exchange(idle.parked, &seat);
  if (seat.next_parked != nullptr) seat.next_parked->previous_parked = &seat;
}

Seat* Roster::unpark(Seat& seat) noexcept {
  Idle& idle = group(seat);
  (seat.previous_parked == nullptr ? idle.parked : seat.previous_parked->next_parked) = seat.next_parked;
  if (seat.next_parked != nullptr) seat.next_parked->previous_parked = seat.previous_parked;
  seat.duty = Seat::Duty::kSearching;
  ++idle.searching;
  return &seat;
}

void Roster::serve_home(Seat& seat, bool serves) noexcept {
  if (seat.serves_home == serves) return;
  seat.serves_home = serves;
  serving_home_ = serves ? serving_home_ + 1 : serving_home_ - 1;
}

void Roster::begin_making(Seat& seat) noexcept {
  const bool is_searching = seat.duty == Seat::Duty::kSearching;
  if (is_searching) stop_searching(seat);
  seat.hosting = Seat::Hosting::kMaking;
  ++host_count_;
  ++making_;
  if (is_searching) search(seat);
}

void Roster::made(Seat& seat) noexcept {
  seat.hosting = Seat::Hosting::kReady;
  --making_;
}

void Roster::stop_hosting(Seat& seat) noexcept {
  if (!seat.is_host()) return;
  const bool is_searching = seat.duty == Seat::Duty::kSearching;
  if (is_searching) stop_searching(seat);
  if (seat.hosting == Seat::Hosting::kMaking) --making_;
  seat.hosting = Seat::Hosting::kNone;
  --host_count_;
  if (is_searching) search(seat);
}

void Roster::set_loop(Seat& seat, LoopPortPtr loop) noexcept {
  seat.loop = std::move(loop);
  list_without_loop(seat);
}

void Roster::list_without_loop(Seat& seat) noexcept {
  const bool belongs = seat.is_host() && !seat.loop && seat.duty != Seat::Duty::kBusy;
  if (seat.is_listed == belongs) return;
  seat.is_listed = belongs;
  idle_without_loop_ = belongs ? idle_without_loop_ + 1 : idle_without_loop_ - 1;
}

}  // namespace aiointerpreters::pool
