// Seat: one worker, as its pool sees it.
// Owner: the roster. When a worker has left, its seat is kept for the next worker, so a pointer to a seat is valid as long
// as the pool. Locks: the pool's guards every member but `parker`, which any thread may wake.
#pragma once

#include <cstdint>
#include <memory>

#include "base/parker.h"
#include "pool/interrupter.h"
#include "pool/loop_port.h"
#include "pool/task_list.h"

namespace aiointerpreters::pool {

// A worker that runs code of home. Another thread can end its interpreter meanwhile.
class Lender {
 public:
  // Ends the interpreter on the calling thread. False: there is no memory for that, and the interpreter stays. Requires:
  // attached to home (it is attached again afterwards); `Pool::take_lent` has given the seat to this thread. Blocks. Runs
  // Python.
  [[nodiscard]] virtual bool end_lent() = 0;
  // Runs the tasks that are addressed to its interpreter, inside the code of home that the worker runs. If the interpreter
  // has ended, cancels them. Requires: attached to home, on the worker's own thread. Blocks. Runs Python.
  virtual void run_addressed() = 0;

 protected:
  ~Lender() = default;
};

struct Seat {
  enum class Duty : std::uint8_t {
    kBusy,       // has a task or an errand, or has not entered yet
    kSearching,  // awake, and will look at the queues before it parks
    kParked,     // asleep
  };
  // What a worker has to do for the pool before it can take a task.
  enum class Errand : std::uint8_t {
    kNone,
    kMakeInterpreter,  // it becomes a host
    kOpenLoop,         // its interpreter gets an event loop
    kRest,             // its interpreter must end, because the process forks
    kEndAddressed,     // its interpreter has ended, so nobody can run the tasks that are addressed to it
  };
  enum class Hosting : std::uint8_t {
    kNone,
    kMaking,  // it creates its interpreter
    kReady,   // it takes tasks for interpreters
  };

  static constexpr std::int64_t kNoInterpreter = -1;

  Duty duty = Duty::kBusy;
  Errand errand = Errand::kNone;
  Hosting hosting = Hosting::kNone;
  bool has_interpreter = false;               // or is about to create or end one
  bool is_ending = false;                     // the worker is ending its interpreter
  bool serves_home = false;                   // it runs a task of home
  bool is_lent = false;                       // it runs code of home; other threads may end its interpreter meanwhile
  bool is_taken = false;                      // another thread is ending the interpreter
  bool waits = false;                         // the worker sleeps until that thread is done
  unsigned stops_seen = 0;                    // the number of stop requests that it has seen
  unsigned long thread = 0;                   // ident of the worker's thread
  std::int64_t interpreter = kNoInterpreter;  // id of its interpreter, while `interrupter` is set
  Task* current = nullptr;                    // the last task that it got, unless it has given it back. The worker owns it
  Lender* lender = nullptr;                   // the worker, while `is_lent`
  std::shared_ptr<Interrupter> interrupter;   // of its interpreter, when that can be interrupted
  std::uint64_t heard = 0;                    // the last broadcast that its interpreter has run before it was ready
  TaskList addressed;                         // tasks for its interpreter alone
  LoopPortPtr loop;                           // of its event loop, once it has or must have one

  base::Parker parker;

  [[nodiscard]] bool is_host() const noexcept { return hosting != Hosting::kNone; }

 private:
  friend class Roster;
  bool is_listed_ = false;  // among the idle hosts without a loop
  Seat* next_parked_ = nullptr;
  Seat* previous_parked_ = nullptr;
  Seat* next_ = nullptr;  // in a list of the roster
  Seat* previous_ = nullptr;
  std::unique_ptr<Seat> next_owned_;  // in the list of all seats ever created
  Seat* next_free_ = nullptr;
};

}  // namespace aiointerpreters::pool
