// Roster: the workers of a pool. It knows which of them are idle, asleep or have an interpreter, and how many threads are
// still starting. It decides nothing.
// Owner: the pool. Locks: the pool's guards everything here but `make_seat`.
#pragma once

#include <cstddef>
#include <memory>

#include "pool/seat.h"

namespace aiointerpreters::pool {

class Roster {
 public:
  // The idle workers of one kind. Hosts have an interpreter, plain workers have none.
  struct Idle {
    Seat* parked = nullptr;     // asleep; the one that parked last comes first
    std::size_t searching = 0;  // awake; they look at the queues before they park, so no one has to wake them
    std::size_t available = 0;  // parked + searching; plain workers that are still to be started count too
  };

  Roster() noexcept = default;
  Roster(const Roster&) = delete;
  Roster& operator=(const Roster&) = delete;
  ~Roster();

  [[nodiscard]] const Idle& plain() const noexcept { return plain_; }
  [[nodiscard]] const Idle& hosts() const noexcept { return hosts_; }
  // Threads that exist or are starting.
  [[nodiscard]] std::size_t threads() const noexcept { return threads_; }
  // Workers that have an interpreter or create one.
  [[nodiscard]] std::size_t host_count() const noexcept { return host_count_; }
  [[nodiscard]] std::size_t making() const noexcept { return making_; }
  // Workers whose interpreter is ready.
  [[nodiscard]] std::size_t ready() const noexcept { return host_count_ - making_; }
  // Idle hosts that have no event loop.
  [[nodiscard]] std::size_t idle_without_loop() const noexcept { return idle_without_loop_; }
  // Workers that run a task of home.
  [[nodiscard]] std::size_t serving_home() const noexcept { return serving_home_; }

  // ---- A requested thread. It comes later, or cannot be started.
  void expect_thread() noexcept { ++threads_, ++plain_.available; }
  void give_up_thread() noexcept { --threads_, --plain_.available; }

  // A seat for `enter`. Thread: any, without the lock. Errors: std::bad_alloc.
  [[nodiscard]] static std::unique_ptr<Seat> make_seat() { return std::make_unique<Seat>(); }
  // Gives an expected thread a seat: a free one, or else `spare`. The worker counts as searching then.
  [[nodiscard]] Seat& enter(std::unique_ptr<Seat>& spare) noexcept;
  void leave(Seat& seat) noexcept;

  // ---- The duties of a worker.
  void search(Seat& seat) noexcept;          // from kBusy
  void stop_searching(Seat& seat) noexcept;  // from kSearching
  void park(Seat& seat) noexcept;            // from kSearching
  Seat* unpark(Seat& seat) noexcept;         // from kParked to kSearching; returns the seat
  // The worker has got a task of home, or has ended it.
  void serve_home(Seat& seat, bool serves) noexcept;

  // ---- Its interpreter.
  void begin_making(Seat& seat) noexcept;
  void made(Seat& seat) noexcept;
  void stop_hosting(Seat& seat) noexcept;
  void set_loop(Seat& seat, LoopPortPtr loop) noexcept;

  // The first worker for which `is_wanted(seat)`; null if there is none.
  template <typename IsWanted>
  [[nodiscard]] Seat* find(IsWanted&& is_wanted) const {
    Seat* seat = first_;
    while (seat != nullptr && !is_wanted(*seat)) seat = seat->next_;
    return seat;
  }
  // The number of workers for which `is_wanted(seat)`.
  template <typename IsWanted>
  [[nodiscard]] std::size_t count(IsWanted&& is_wanted) const {
    std::size_t counted = 0;
    for_each([&](const Seat& seat) { counted += is_wanted(seat) ? 1 : 0; });
    return counted;
  }
  template <typename Use>
  void for_each(Use&& use) const {
    for (Seat* seat = first_; seat != nullptr; seat = seat->next_) use(*seat);
  }

 private:
  [[nodiscard]] Idle& group(const Seat& seat) noexcept { return seat.is_host() ? hosts_ : plain_; }
  void list_without_loop(Seat& seat) noexcept;

  Idle plain_;
  Idle hosts_;
  std::size_t threads_ = 0;
  std::size_t host_count_ = 0;
  std::size_t making_ = 0;
  std::size_t idle_without_loop_ = 0;
  std::size_t serving_home_ = 0;
  Seat* first_ = nullptr;
  Seat* free_ = nullptr;
  std::unique_ptr<Seat> owned_;
};

}  // namespace aiointerpreters::pool
