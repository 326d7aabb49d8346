// Seat: one worker as its pool sees it.
// Owner: the roster, which keeps a seat for the next worker when one has left, so a pointer to a seat is valid as long as
// the pool. Locks: the pool's guards every member but `parker`, which any thread may wake.
#pragma once

#include <cstdint>
#include <memory>

#include "base/parker.h"
#include "pool/interrupter.h"
#include "pool/loop_port.h"

namespace aiointerpreters::pool {

// A worker whose interpreter another thread can end while the worker runs code of home's.
class Lender {
 public:
  // Ends the interpreter on the calling thread. False: there is no memory for that; the interpreter lives on. Requires:
  // attached to home (it is attached again afterwards); `Pool::take_lent` has given the seat to this thread. Blocks. Runs
  // Python.
  [[nodiscard]] virtual bool end_lent() = 0;

 protected:
  ~Lender() = default;
};

struct Seat {
  enum class Duty : std::uint8_t {
    kBusy,       // has a task or an errand, or is not there yet
    kSearching,  // awake, and will look at the queues before it parks
    kParked,     // asleep
  };
  // What a worker has to do for the pool before it can take a task.
  enum class Errand : std::uint8_t {
    kNone,
    kMakeInterpreter,  // it will become a host
    kOpenLoop,         // its interpreter will have an event loop
    kRest,             // its interpreter must end, because the process forks
  };
  enum class Hosting : std::uint8_t {
    kNone,
    kMaking,  // it makes its interpreter
    kReady,   // it takes tasks for interpreters
  };

  Duty duty = Duty::kBusy;
  Errand errand = Errand::kNone;
  Hosting hosting = Hosting::kNone;
  bool has_interpreter = false;              // or is about to make one, or to end it
  bool serves_home = false;                  // it runs a task of home's
  bool is_lent = false;                      // it runs code of home's; other threads may end its interpreter meanwhile
  bool is_taken = false;                     // another thread does so
  bool waits = false;                        // for that, asleep
  unsigned stops_seen = 0;                   // the number of stop requests that it has seen
  const Task* current = nullptr;             // the task that it was given last, unless that was given back
  Lender* lender = nullptr;                  // the worker, while `is_lent`
  std::shared_ptr<Interrupter> interrupter;  // of its interpreter, once that can be interrupted
  LoopPortPtr loop;                          // of the event loop there, once it must have one

  base::Parker parker;

  [[nodiscard]] bool is_host() const noexcept { return hosting != Hosting::kNone; }

 private:
  friend class Roster;
  bool is_listed_ = false;  // among the idle hosts without a loop
  Seat* next_parked_ = nullptr;
  Seat* previous_parked_ = nullptr;
  Seat* next_ = nullptr;  // in the roster
  Seat* previous_ = nullptr;
  std::unique_ptr<Seat> next_owned_;  // of all that the roster has ever made
  Seat* next_free_ = nullptr;
};

}  // namespace aiointerpreters::pool
