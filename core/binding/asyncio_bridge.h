// AsyncioBridge: one event loop of home's and the calls that it awaits. Workers post to its mailbox, whose descriptor the loop
// looks at; a loop that cannot do that (`add_reader`) is called with `call_soon_threadsafe`.
//
// Owner: the loop, by the reader that is registered with it; so the bridge goes when the loop is closed, and with it the
// descriptor and what is still awaited there: queued calls are cancelled, running ones stopped.
// Requires: attached to home, on the loop's thread, for everything here but what is said to be otherwise.
#pragma once

#include "binding/home_task.h"
#include "binding/module_state.h"
#include "pool/mailbox.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class AsyncioBridge;

// The task of an awaited call. It is outstanding from `AsyncioBridge::expect` until its future has been told.
class AwaitedTask final : public HomeTask {
 public:
  explicit AwaitedTask(ModuleState& home) noexcept : HomeTask(Side::kWorker, home) {}

  void run_at_home() override {}
  // Calls the loop, which has to be woken. Thread: any of home's.
  void settle_at_home(bool) override;
  void cancel_at_home() override;

 private:
  friend class AsyncioBridge;
  AsyncioBridge* bridge_ = nullptr;  // while it is outstanding
  PyObject* future_ = nullptr;       // owned, likewise
  AwaitedTask* previous_ = nullptr;  // in the bridge's list
  AwaitedTask* next_ = nullptr;
};
using AwaitedTaskPtr = base::IntrusivePtr<AwaitedTask>;

// Stops a call that nobody awaits any more: cancels it if it is queued, interrupts it if it runs. Runs Python.
void stop_awaited(const ModuleState& home, AwaitedTask& task);

// The bridge of the running loop, made and registered if there is none yet. Borrows. Runs Python.
// Errors: null with RuntimeError set if no loop is running, or with what the loop has raised.
[[nodiscard]] AsyncioBridge* running_bridge(ModuleState& home);

// Makes the type of the Python objects that hold bridges. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_bridge_type(PyObject* module);

class AsyncioBridge {
 public:
  // `self` is the object that holds this; `open` comes next.
  AsyncioBridge(ModuleState& home, PyObject* self, py::Ref loop);
  AsyncioBridge(const AsyncioBridge&) = delete;
  AsyncioBridge& operator=(const AsyncioBridge&) = delete;
  ~AsyncioBridge();

  // Makes the mailbox and has the loop look at it. Runs Python. Errors: false with what the loop has raised.
  [[nodiscard]] bool open();
  [[nodiscard]] PyObject* loop() const noexcept { return loop_.get(); }
  // For what `expect` gets.
  [[nodiscard]] const pool::MailboxPtr& mailbox() const noexcept { return mailbox_; }

  // From now on the task's end is told to the future. Requires: the future's native part knows the task.
  void expect(AwaitedTask& task, PyObject* future) noexcept;
  // Nobody wants to know any more. Nothing happens if the task is not outstanding.
  static void forget(AwaitedTask& task);

  // Tells the futures of tasks that have ended, but not for longer than a loop may be held up; the rest at its next turn.
  // Runs Python. Errors: false with KeyboardInterrupt or the like set; the rest comes at the next turn.
  [[nodiscard]] bool drain();
  // Has the loop call `drain`. Thread: any of home's. Runs Python.
  void call_loop();
  // Stops what is outstanding and gives the descriptor back. Runs Python.
  void close();

  int traverse(visitproc visit, void* arg);

 private:
  [[nodiscard]] bool tell(AwaitedTask& task);
  void call_again();

  ModuleState& home_;
  PyObject* const self_;
  py::Ref loop_;
  pool::MailboxPtr mailbox_;
  pool::Mail mail_;               // taken out of it, not told yet
  AwaitedTask* first_ = nullptr;  // what is outstanding; owned
};

}  // namespace aiointerpreters::binding
