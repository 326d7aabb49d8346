// HomeTask: the common base of all tasks that home submits. Futures and event loops can wait for them.
// Requires: attached to home, unless stated otherwise.
#pragma once

#include <memory>

#include "binding/module_state.h"
#include "codec/lessor.h"
#include "pool/task.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class AsyncioBridge;

class HomeTask : public pool::Task {
 public:
  HomeTask(pool::Lane where, ModuleState& home) noexcept : Task(where), forks(home.forks), home_(home) {}

  void visit_home_to_settle(Change how) override;
  void settle_at_home(Change how) override;
  void report_ignored_interrupt() override;

  // ---- For a call that may run elsewhere than in an interpreter (elsewhere.h).

  enum class Place : std::uint8_t { kLane, kThread, kProcess };
  Place place = Place::kLane;  // kLane: where its lane is

  // Keeps the spare: the call as an object of home. Another thread may drop it later. Errors: std::bad_alloc.
  void keep_spare(PyObject* spare);
  void move_elsewhere() override;
  void forget_spare() noexcept override;
  // Ends the task with an object of home. Requires: it runs. Runs Python.
  void end_with(PyObject* object, bool failed);
  // Ends the task with the exception that is set, unless it has ended. Runs Python.
  void fail_with_current();
  // Drops the object that ended it, if there is one. Otherwise an exception whose traceback leads to the future would keep
  // both alive: the collector does not see loans. Call it when the future has it. Runs Python.
  void drop_own_outcome();
  // The object that ended it. Borrows. Requires: Outcome::kOwnValue or kOwnError.
  [[nodiscard]] PyObject* own_outcome() const noexcept { return aside_->outcome; }
  // The object by which other code runs the call (moved_call.h); null: there is none. Borrows.
  [[nodiscard]] PyObject* moved() const noexcept { return aside_ ? aside_->moved : nullptr; }
  // Errors: std::bad_alloc.
  void set_moved(PyObject* moved);

  const unsigned forks;  // ModuleState::forks of the process that submitted it

  // ---- For a task that is outstanding at a bridge, because an event loop waits for it (asyncio_bridge.h). Thread: the
  // loop's.

  // Completes the future of this task, which has ended. Runs Python. Errors: false with KeyboardInterrupt or the like set.
  // If the task is still outstanding then, call it again.
  [[nodiscard]] virtual bool arrive() = 0;
  // The loop was closed, and the task is no longer outstanding. Runs Python.
  virtual void lose_loop() = 0;
  // From now on the end is delivered in a copy of this context. Does nothing if the task is not outstanding. Runs Python.
  void tell_in(py::Ref telling);
  // The bridge at which it is outstanding, or null.
  [[nodiscard]] AsyncioBridge* bridge() const noexcept { return bridge_; }

 protected:
  [[nodiscard]] ModuleState& home() const noexcept { return home_; }
  [[nodiscard]] bool is_outstanding() const noexcept { return bridge_ != nullptr; }

  PyObject* future_ = nullptr;  // owned; null if the task has no future to complete
  // Owned: a future of the bridge's loop that is completed when the task ends, if future_ belongs to another loop.
  // Otherwise null.
  PyObject* waker_ = nullptr;
  [[nodiscard]] bool is_fresh() const noexcept { return is_fresh_; }

 private:
  friend class AsyncioBridge;
  // What only calls need that may move. The objects are on loan, because the last owner of a task may be any thread.
  struct Aside {
    codec::Loan spare_loan;
    codec::Loan outcome_loan;
    PyObject* spare = nullptr;    // borrowed from the loan
    PyObject* outcome = nullptr;  // borrowed from the loan
    PyObject* moved = nullptr;    // borrowed: it owns the task
  };

  [[nodiscard]] Aside& aside();
  // Publishes the end, which is a change of state at home.
  void end_here();

  ModuleState& home_;
  std::unique_ptr<Aside> aside_;
  AsyncioBridge* bridge_ = nullptr;
  // Owned, while the task is outstanding: the context of the waiting code. Null: there was no memory for it.
  PyObject* context_ = nullptr;
  bool is_fresh_ = false;         // the task is outstanding, and no mail has been requested yet
  HomeTask* previous_ = nullptr;  // in the bridge's list
  HomeTask* next_ = nullptr;
};
using HomeTaskPtr = base::IntrusivePtr<HomeTask>;

// "interpreter", "thread" or "process".
[[nodiscard]] const char* place_name(HomeTask::Place place) noexcept;
// The documentation of the futures' attribute that has this name.
inline constexpr const char* kLaneDoc =
    "Where the call runs: `\"interpreter\"`, `\"thread\"` or `\"process\"`.\n\n"
    "It changes when a fallback moves the call.";

// Ends a running task as interrupted, and stops the code that runs it. Returns 0 if the task is not running, or if it runs
// in a thread of home, which cannot be stopped. Errors: -1 with RuntimeError set if a thread that is needed cannot
// be started.
[[nodiscard]] int interrupt_running(const ModuleState& home, HomeTask& task);

}  // namespace aiointerpreters::binding
