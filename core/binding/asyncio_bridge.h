// AsyncioBridge: one event loop of home's and the calls that it waits for. Workers post to its mailbox, and the loop watches
// the mailbox's descriptor. A loop that cannot do that (`add_reader`) is called with `call_soon_threadsafe`.
//
// Contexts: the loop calls the bridge in an empty context, so it keeps no context variables alive. Each call has the context
// of the code that waits for it (run_future_type.h), at first a copy of the context in which it was made. Its outcome is
// decoded in a copy of that.
//
// Owner: the loop, by the reader that is registered with it. So the bridge and its descriptor are destroyed when the loop is
// closed.
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

// The event loop that runs in this thread. Requires: prepare_asyncio. Returns new; null without an exception if none runs.
[[nodiscard]] py::Ref running_loop(const ModuleState& home);
// The object that holds the bridge of the running loop, made and registered if there is none yet. Returns new; only the loop
// may keep it. Runs Python. Errors: null with RuntimeError set if no loop is running, or with an exception of the loop.
[[nodiscard]] py::Ref running_bridge(ModuleState& home);
[[nodiscard]] AsyncioBridge& bridge_in(const py::Ref& object) noexcept;
// The same, if `callback` is the one by which asyncio's wrap_future makes the running loop await a future: a closure of that
// module over the loop. If it is called on the loop's thread, it does all its work immediately (before 3.14, at the next
// pass). Returns new. Runs Python. Errors: null, without an exception, if it is any other callback.
[[nodiscard]] py::Ref bridge_of_callback(ModuleState& home, PyObject* callback);

// Makes the type of the Python objects that hold bridges. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_bridge_type(PyObject* module);

class AsyncioBridge {
 public:
  // `self` is the object that holds this; `open` comes next.
  AsyncioBridge(ModuleState& home, PyObject* self, py::Ref loop);
  AsyncioBridge(const AsyncioBridge&) = delete;
  AsyncioBridge& operator=(const AsyncioBridge&) = delete;
  ~AsyncioBridge();

  // Makes the mailbox and has the loop watch it. Runs Python. Errors: false with the exception of the loop.
  [[nodiscard]] bool open();
  [[nodiscard]] PyObject* loop() const noexcept { return loop_.get(); }
  // {"loop": loop}, for futures of that loop. Borrows.
  [[nodiscard]] PyObject* loop_keyword() const noexcept { return loop_keyword_.get(); }
  // The context for tasks that `expect` gets.
  [[nodiscard]] const pool::MailboxPtr& mailbox() const noexcept { return mailbox_; }

  // The task is outstanding from now on; the caller has to request mail for it. Its end will be told in a copy of the
  // current context, unless HomeTask::tell_in says otherwise.
  void expect(HomeTask& task) noexcept;
  // The same, and at its next pass the loop looks at the task's state: mail is requested only for a task that has not ended
  // by then. Runs Python. Errors: false with the exception of the loop; the task is not outstanding then.
  [[nodiscard]] bool expect_soon(HomeTask& task);
  // Nobody waits for the task any more. Nothing happens if the task is not outstanding. Thread: any of home's.
  static void forget(HomeTask& task) noexcept;

  // Makes this task arrive, in its context. Requires: it has ended and is outstanding. Runs Python. Errors: as arrive.
  [[nodiscard]] static bool deliver(HomeTask& task);
  // Whether the loop waits for nothing but this task, and got no other in this pass. If it gets many, as in a gather of
  // coroutines, it should continue with the next one and take the ends together.
  [[nodiscard]] bool waits_only_for(const HomeTask& task) const noexcept {
    return first_ == &task && task.next_ == nullptr && calls_in_turn_ <= 1;
  }
  // How long to look for the end of a call that is about to be awaited.
  base::SpinPolicy spins;

  // Makes tasks arrive that have ended, but not for longer than a loop may be held up; the rest follows at its next pass.
  // `look` does so with the tasks of `expect_soon`, `drain` with those in the mailbox. Runs Python. Errors: false with
  // KeyboardInterrupt or the like set; the rest comes at the next pass.
  [[nodiscard]] bool look();
  [[nodiscard]] bool drain();
  // Has the loop call `drain`. Thread: any of home's. Runs Python.
  void call_loop();
  // The same, by the descriptor if there is one.
  void wake();
  // Wakes all bridges of a worker's interpreter, so that exceptions raised in their threads come. Runs Python.
  static void wake_all(codec::Runtime& runtime);
  // Gives the descriptor back; outstanding tasks lose their loop. Runs Python.
  void close();

  int traverse(visitproc visit, void* arg);

 private:
  friend py::Ref running_bridge(ModuleState& home);

  [[nodiscard]] bool tell();
  [[nodiscard]] py::Ref add_reader(PyObject* callback);
  [[nodiscard]] bool call_from(PyObject* method, const char* callback);

  ModuleState& home_;
  const unsigned forks_;  // of the process that made it
  PyObject* const self_;
  py::Ref loop_;
  py::Ref loop_keyword_;
  py::Ref nothing_;  // an empty context
  pool::MailboxPtr mailbox_;
  pool::TaskList mail_;         // taken out of it, not arrived yet
  HomeTask* first_ = nullptr;   // the outstanding tasks, the last one first; owned
  unsigned fresh_ = 0;          // so many of these must be looked at
  bool will_look_ = false;      // the loop has been told to call `look`
  unsigned calls_in_turn_ = 0;  // the number of tasks that `expect_soon` has got since the last `look`
};

}  // namespace aiointerpreters::binding
