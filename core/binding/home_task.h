// HomeTask: what all tasks have in common that home has submitted, whoever waits for them there.
// Requires: attached to home, where nothing else is said.
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

  const unsigned forks;  // ModuleState::forks of the process whose workers know it

  // ---- While an event loop waits for the end, and the bridge (asyncio_bridge.h) has it among what is outstanding there.
  // Thread: the loop's.

  // The end has come: tells who waits for it. Runs Python. Errors: false with KeyboardInterrupt or the like set; it is to be
  // called once more if it is still outstanding.
  [[nodiscard]] virtual bool arrive() = 0;
  // The loop is gone. The task is not outstanding any more. Runs Python.
  virtual void lose_loop() = 0;
  // The end is told in a copy of this context from now on. Nothing happens if the task is not outstanding. Runs Python.
  void tell_in(py::Ref telling);
  // The bridge that has it among what is outstanding, else null.
  [[nodiscard]] AsyncioBridge* bridge() const noexcept { return bridge_; }

 protected:
  [[nodiscard]] ModuleState& home() const noexcept { return home_; }
  [[nodiscard]] bool is_outstanding() const noexcept { return bridge_ != nullptr; }

  PyObject* future_ = nullptr;  // owned, while the task leads to one
  // Owned: where future_ is of another loop than the bridge's, a future of the bridge's loop that ends with the task;
  // else null.
  PyObject* waker_ = nullptr;
  [[nodiscard]] bool is_fresh() const noexcept { return is_fresh_; }

 private:
  friend class AsyncioBridge;
  ModuleState& home_;
  AsyncioBridge* bridge_ = nullptr;
  // Owned, while the task is outstanding: the context of who waits for it. Null: there was no memory for it.
  PyObject* context_ = nullptr;
  bool is_fresh_ = false;         // the task is outstanding, and has not been asked for mail yet
  HomeTask* previous_ = nullptr;  // in the bridge's list
  HomeTask* next_ = nullptr;
};
using HomeTaskPtr = base::IntrusivePtr<HomeTask>;

// Has a running task of another lane than home's end as interrupted, and stops it if an interpreter runs it. False: it is
// not running, or no interpreter's. Errors: -1 with RuntimeError set if there is no thread to see to it.
[[nodiscard]] int interrupt_running(const ModuleState& home, pool::Task& task);

}  // namespace aiointerpreters::binding
