// AsyncioBridge: one event loop of the main interpreter, and the calls that it waits for. Workers post finished tasks to
// its mailbox, and the loop watches the mailbox's descriptor. A loop without `add_reader` is woken by
// `call_soon_threadsafe`.
//
// Contexts: the loop calls the bridge in an empty context, so the bridge keeps no context variables alive. Each task has
// the context of the code that waits for it (run_future_type.h). At first this is a copy of the context in which the call
// was made. The outcome is decoded in a copy of the task's context.
//
// Owner: the loop, by the reader that is registered with it. So the bridge and its descriptor are destroyed when the loop
// is closed.
// Requires: attached to home, on the loop's thread, for everything here unless stated otherwise.
#pragma once

#include "base/spin_policy.h"
#include "binding/home_task.h"
#include "binding/module_state.h"
#include "pool/mailbox.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class AsyncioBridge;

// The event loop that runs in this thread. Requires: prepare_asyncio. Returns new; null without an exception if there is
// none.
[[nodiscard]] py::Ref running_loop(const ModuleState& home);
// The object that holds the bridge of the running loop. It is created and registered if it does not exist. Returns new;
// only the loop may keep it. Runs Python. Errors: null with RuntimeError set if no loop is running, or with an exception of
// the loop.
[[nodiscard]] py::Ref running_bridge(ModuleState& home);
[[nodiscard]] AsyncioBridge& bridge_in(const py::Ref& object) noexcept;
// The same, if `callback` is the one that asyncio's wrap_future has added for the running loop: a closure of asyncio over
// the loop. If it is called on the loop's thread, it completes the loop's future immediately (before 3.14, at the next
// pass). Returns new. Runs Python. Errors: null, without an exception, for any other callback.
[[nodiscard]] py::Ref bridge_of_callback(ModuleState& home, PyObject* callback);

// Creates the type of the Python objects that hold bridges. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_bridge_type(PyObject* module);

class AsyncioBridge {
 public:
  // `self` is the object that holds this bridge. Call `open` next.
  AsyncioBridge(ModuleState& home, PyObject* self, py::Ref loop);
  AsyncioBridge(const AsyncioBridge&) = delete;
  AsyncioBridge& operator=(const AsyncioBridge&) = delete;
  ~AsyncioBridge();

  // Creates the mailbox and makes the loop watch it. Runs Python. Errors: false with the exception of the loop.
  [[nodiscard]] bool open();
  [[nodiscard]] PyObject* loop() const noexcept { return loop_.get(); }
  // {"loop": loop}, for futures of that loop. Borrows.
  [[nodiscard]] PyObject* loop_keyword() const noexcept { return loop_keyword_.get(); }
  // The mailbox of the loop, for tasks that have ended.
  [[nodiscard]] const pool::MailboxPtr& mailbox() const noexcept { return mailbox_; }

  // The task is outstanding from now on; the caller has to request mail for it. Its end is delivered in a copy of the
  // current context, unless HomeTask::tell_in sets another one.
  void expect(HomeTask& task) noexcept;
  // The same. In addition the loop looks at the task's state at its next pass. Mail is requested only if the task has not
  // ended by then. Runs Python. Errors: false with the exception of the loop; the task is not outstanding then.
  [[nodiscard]] bool expect_soon(HomeTask& task);
  // Nobody waits for the task any more. Does nothing if the task is not outstanding. Thread: any of home.
  static void forget(HomeTask& task) noexcept;

  // Calls the task's `arrive` in a copy of its context. Requires: it has ended and is outstanding. Runs Python. Errors: as
  // arrive.
  [[nodiscard]] static bool deliver(HomeTask& task);
  // Whether the loop waits only for this task, and has started no other in this pass. If it starts many, as in a gather of
  // coroutines, it should start all of them first and then handle their ends together.
  [[nodiscard]] bool waits_only_for(const HomeTask& task) const noexcept {
    return first_ == &task && task.next_ == nullptr && calls_in_turn_ <= 1;
  }
  // How long to spin for the end of a call that is about to be awaited.
  base::SpinPolicy spins;

  // Deliver tasks that have ended. They stop after a time limit, so that the loop is not blocked; the rest follows at its
  // next pass. `look` handles the tasks of `expect_soon`, and `drain` those in the mailbox. Runs Python. Errors: false with
  // KeyboardInterrupt or the like set; the rest follows at the next pass.
  [[nodiscard]] bool look();
  [[nodiscard]] bool drain();
  // Makes the loop call `drain`. Thread: any of home. Runs Python.
  void call_loop();
  // The same, through the descriptor if there is one.
  void wake();
  // Wakes all bridges of a worker's interpreter, so that exceptions that were raised in their threads take effect. Runs
  // Python.
  static void wake_all(codec::Runtime& runtime);
  // Closes the mailbox and its descriptor. Outstanding tasks lose their loop. Runs Python.
  void close();

  int traverse(visitproc visit, void* arg);

 private:
  friend py::Ref running_bridge(ModuleState& home);

  [[nodiscard]] bool tell();
  [[nodiscard]] py::Ref add_reader(PyObject* callback);
  [[nodiscard]] bool call_from(PyObject* method, const char* callback);

  ModuleState& home_;
  const unsigned forks_;  // ModuleState::forks of the process that created it
  PyObject* const self_;
  py::Ref loop_;
  py::Ref loop_keyword_;
  py::Ref nothing_;  // an empty context
  pool::MailboxPtr mailbox_;
  pool::TaskList mail_;         // taken from the mailbox, not delivered yet
  HomeTask* first_ = nullptr;   // the outstanding tasks, the newest first; owned
  unsigned fresh_ = 0;          // the number of these that `look` has to check
  bool will_look_ = false;      // the loop is going to call `look`
  unsigned calls_in_turn_ = 0;  // the number of tasks passed to `expect_soon` since the last `look`
};

}  // namespace aiointerpreters::binding
