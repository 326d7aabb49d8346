// AsyncioBridge: one event loop of home's and the calls that it waits for. Workers post to its mailbox, whose descriptor the
// loop looks at; a loop that cannot do that (`add_reader`) is called with `call_soon_threadsafe`.
//
// Contexts: the loop calls the bridge in an empty context, which keeps no context variable of anybody alive. Each call has
// that of who waits for it (run_future_type.h), at first a copy of the one where it was made.
// What it ends with is decoded in a copy of that.
//
// Owner: the loop, by the reader that is registered with it; so the bridge goes when the loop is closed, and the descriptor
// with it.
// Requires: attached to home, on the loop's thread, for everything here but what is said to be otherwise.
#pragma once

#include "base/spin_policy.h"
#include "binding/home_task.h"
#include "binding/module_state.h"
#include "pool/mailbox.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class AsyncioBridge;

// The event loop that runs in this thread. Requires: prepare_asyncio. Returns new; null without an exception if none does.
[[nodiscard]] py::Ref running_loop(const ModuleState& home);
// The object that holds the bridge of the running loop, made and registered if there is none yet. Returns new: nobody else
// may keep it. Runs Python.
// Errors: null with RuntimeError set if no loop is running, or with what the loop has raised.
[[nodiscard]] py::Ref running_bridge(ModuleState& home);
[[nodiscard]] AsyncioBridge& bridge_in(const py::Ref& object) noexcept;
// The same, if `callback` is the one by which asyncio's wrap_future has the running loop await a future: a closure of that
// module over the loop. Called on the loop's thread, it does all it has to do at once (before 3.14, at the next turn).
// Returns new. Runs Python. Errors: null, without an exception, if it is anything else.
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

  // Makes the mailbox and has the loop look at it. Runs Python. Errors: false with what the loop has raised.
  [[nodiscard]] bool open();
  [[nodiscard]] PyObject* loop() const noexcept { return loop_.get(); }
  // {"loop": loop}, for futures of that loop. Borrows.
  [[nodiscard]] PyObject* loop_keyword() const noexcept { return loop_keyword_.get(); }
  // For what `expect` gets.
  [[nodiscard]] const pool::MailboxPtr& mailbox() const noexcept { return mailbox_; }

  // The task is outstanding from now on; to have it put into the mailbox is its own part. Its end will be told in a copy of
  // the context that is current, unless HomeTask::tell_in says otherwise.
  void expect(HomeTask& task) noexcept;
  // The same, and at its next turn the loop looks how the task stands: only what has not ended by then is asked for mail.
  // Runs Python. Errors: false with what the loop has raised; the task is not outstanding then.
  [[nodiscard]] bool expect_soon(HomeTask& task);
  // Nobody wants to know any more. Nothing happens if the task is not outstanding. Thread: any of home's.
  static void forget(HomeTask& task) noexcept;

  // Has this task arrive, in its context. Requires: it has ended and is outstanding. Runs Python. Errors: as arrive.
  [[nodiscard]] static bool deliver(HomeTask& task);
  // Whether the loop has nothing to wait for but this task, and got no other in this turn. Where it gets many, as in a
  // gather of coroutines, it should go on with the next one and take the ends together.
  [[nodiscard]] bool waits_only_for(const HomeTask& task) const noexcept {
    return first_ == &task && task.next_ == nullptr && calls_in_turn_ <= 1;
  }
  // How long to look for the end of a call that is about to be awaited.
  base::SpinPolicy spins;

  // Has tasks arrive that have ended, but not for longer than a loop may be held up; the rest at its next turn. `look` does
  // so with what `expect_soon` has got, `drain` with what is in the mailbox.
  // Runs Python. Errors: false with KeyboardInterrupt or the like set; the rest comes at the next turn.
  [[nodiscard]] bool look();
  [[nodiscard]] bool drain();
  // Has the loop call `drain`. Thread: any of home's. Runs Python.
  void call_loop();
  // The same, by the descriptor if there is one.
  void wake();
  // Wakes all those of a worker's interpreter, so that what was raised in their threads comes. Runs Python.
  static void wake_all(codec::Runtime& runtime);
  // Gives the descriptor back; what is outstanding loses its loop. Runs Python.
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
  HomeTask* first_ = nullptr;   // what is outstanding, the last one first; owned
  unsigned fresh_ = 0;          // so many of these are to be looked at
  bool will_look_ = false;      // the loop has been told to call `look`
  unsigned calls_in_turn_ = 0;  // what `expect_soon` has got since the last `look`
};

}  // namespace aiointerpreters::binding
