// HomeTask: the common base of all tasks that home submits. Futures and event loops can wait for them.
// Requires: attached to home, unless stated otherwise.
#pragma once

#include "binding/module_state.h"
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
  ModuleState& home_;
  AsyncioBridge* bridge_ = nullptr;
  // Owned, while the task is outstanding: the context of the waiting code. Null: there was no memory for it.
  PyObject* context_ = nullptr;
  bool is_fresh_ = false;         // the task is outstanding, and no mail has been requested yet
  HomeTask* previous_ = nullptr;  // in the bridge's list
  HomeTask* next_ = nullptr;
};
using HomeTaskPtr = base::IntrusivePtr<HomeTask>;

// Ends a running task as interrupted, and stops the code that runs it. Returns 0 if the task is not running, or if it is a
// call of home (Lane::kHome), which cannot be stopped. Errors: -1 with RuntimeError set if a thread that is needed cannot
// be started.
[[nodiscard]] int interrupt_running(const ModuleState& home, pool::Task& task);

}  // namespace aiointerpreters::binding
