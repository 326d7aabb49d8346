// Glance: the question of what one interpreter runs now, and the answer. The visitor of the interpreter answers it
// (visitor.h), when it can enter. It only looks: nothing is raised or woken there.
// Owner: shared by the code that asks and the visitor. It holds no Python object. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/call_stack.h"
#include "base/futex.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

// Something that a thread of the interpreter does, or a coroutine that waits there.
struct Activity {
  enum class Kind : std::uint8_t {
    kCall,      // a call in the interpreter's own thread
    kUpkeep,    // other work of this thread, which `name` describes
    kLoopCall,  // a call of a coroutine function
    kLoop,      // the thread of the event loop runs code of no call
    kThread,    // a thread that a call has started
  };

  Kind kind = Kind::kCall;
  std::string name;
  std::uint32_t since = 0;  // kCall, kLoopCall: when it began, in base::coarse_milliseconds
  bool is_waiting = false;  // kLoopCall: at an await
  base::CallStack stack;
};

// The name of a call: with the module, if it crosses by reference. Empty if it has none.
[[nodiscard]] std::string name_of_call(const Call& call);

class Glance {
 public:
  // The answer. Thread: one, once.
  void show(std::vector<Activity> activities) noexcept {
    activities_ = std::move(activities);
    set(kShown);
  }
  // There is none: the interpreter is ending, or there is no memory.
  void refuse() noexcept { set(kRefused); }

  // Waits until it is answered. Requires: detached. Blocks.
  void wait(const base::Deadline& deadline) const noexcept;
  // Null: there is no answer, at least not yet.
  [[nodiscard]] const std::vector<Activity>* answer() const noexcept {
    return state_.load(std::memory_order_acquire) == kShown ? &activities_ : nullptr;
  }
  [[nodiscard]] bool refused() const noexcept { return state_.load(std::memory_order_acquire) == kRefused; }

 private:
  enum State : std::uint32_t { kAsked, kShown, kRefused };

  void set(State state) noexcept {
    state_.store(state, std::memory_order_release);  // pairs with the acquire in `answer`
    base::wake_all(&state_);
  }

  std::atomic<std::uint32_t> state_{kAsked};
  std::vector<Activity> activities_;  // the visitor's until kShown
};

// An interpreter that a visitor can describe.
class Described {
 public:
  // Requires: attached to it. No Python runs. Errors: std::bad_alloc.
  [[nodiscard]] virtual std::vector<Activity> describe() = 0;

 protected:
  ~Described() = default;
};

}  // namespace aiointerpreters::pool
