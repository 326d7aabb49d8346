// See roster.h.
#include "pool/roster.h"

#include <utility>

namespace aiointerpreters::pool {

Roster::~Roster() {
  while (owned_) owned_ = std::move(owned_->next_owned_);  // one by one: the list may be long
}

Seat& Roster::enter(std::unique_ptr<Seat>& spare) noexcept {
  Seat* seat = free_;
  if (seat != nullptr) {
    free_ = seat->next_free_;
  } else {
    seat = spare.get();
    seat->next_owned_ = std::exchange(owned_, std::move(spare));
  }
  seat->next_ = first_;
  seat->previous_ = nullptr;
  if (first_ != nullptr) first_->previous_ = seat;
  first_ = seat;
  seat->duty = Seat::Duty::kSearching;
  ++plain_.searching;  // available since it was expected
  return *seat;
}

void Roster::leave(Seat& seat) noexcept {
  if (seat.duty == Seat::Duty::kSearching) stop_searching(seat);
  (seat.previous_ == nullptr ? first_ : seat.previous_->next_) = seat.next_;
  if (seat.next_ != nullptr) seat.next_->previous_ = seat.previous_;
  seat.current = nullptr;
  seat.next_free_ = std::exchange(free_, &seat);
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
  seat.previous_parked_ = nullptr;
  seat.next_parked_ = std::exchange(idle.parked, &seat);
  if (seat.next_parked_ != nullptr) seat.next_parked_->previous_parked_ = &seat;
}

Seat* Roster::unpark(Seat& seat) noexcept {
  Idle& idle = group(seat);
  (seat.previous_parked_ == nullptr ? idle.parked : seat.previous_parked_->next_parked_) = seat.next_parked_;
  if (seat.next_parked_ != nullptr) seat.next_parked_->previous_parked_ = seat.previous_parked_;
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
  if (seat.is_listed_ == belongs) return;
  seat.is_listed_ = belongs;
  idle_without_loop_ = belongs ? idle_without_loop_ + 1 : idle_without_loop_ - 1;
}

}  // namespace aiointerpreters::pool
