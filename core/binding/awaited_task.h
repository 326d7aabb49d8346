// AwaitedTask: the task of a call that an event loop awaits by a RunFuture, made by `executor.run` or
// `loop.run_in_executor`. It is outstanding until its future has been told or wants to know no more.
// Requires: attached to home, on the loop's thread, where nothing else is said.
#pragma once

#include "binding/asyncio_bridge.h"
#include "binding/home_task.h"
#include "py/python.h"

namespace aiointerpreters::binding {

class AwaitedTask final : public HomeTask {
 public:
  // What becomes of the call when its future is cancelled, or when the loop is closed.
  enum class Cancelling {
    kStops,          // `run`: if it is queued it never runs, if it runs it is interrupted
    kCancelsQueued,  // `run_in_executor`: if it is queued and the future is cancelled it never runs; else it goes on
  };
  AwaitedTask(ModuleState& home, Cancelling manner) noexcept
      : HomeTask(pool::Lane::kInterpreters, home), cancelling_(manner) {}

  // From now on the task's end is told to the future, which knows the task. Requires: it is not queued yet. Runs Python.
  // Errors: false with what the loop has raised.
  [[nodiscard]] bool expect(AsyncioBridge& bridge, PyObject* future);
  // Somebody is about to await the future in the running loop: tells it the end if that has come, or comes in a moment.
  // Blocks: for that moment, detached. Runs Python. Errors: as arrive.
  enum class Found { kNothing, kEnd, kError };
  [[nodiscard]] Found find_end();
  // Somebody has begun to wait for the future, in this context. Of those who await it themselves (expect_await) the last one
  // counts, else the last one at all. Runs Python.
  void note_waiter(py::Ref waiting);
  // Whoever comes to note_waiter next is about to await the future itself.
  void expect_await() noexcept { is_await_coming_ = true; }
  // Another loop than the future's waits for it from now on, and the waker, a future of that loop, is told that the future
  // is done. Requires: attached on that loop's thread; nobody waits for the future in its own loop. Runs Python. Errors: as
  // expect, or as arrive.
  [[nodiscard]] bool move(AsyncioBridge& bridge, PyObject* waker);
  // The future is not told. Nothing happens if the task is not outstanding.
  void forget();
  // Forgets it, and does what its future's being cancelled does to the call. Runs Python.
  void stop();

  void run_at_home() override {}
  void settle_at_home(Change how) override;
  // Thread: any of home's.
  void cancel_at_home() override;
  [[nodiscard]] bool arrive() override;
  void lose_loop() override { cancelling_ == Cancelling::kStops ? stop() : forget(); }

 private:
  [[nodiscard]] bool expect_soon(AsyncioBridge& bridge);

  const Cancelling cancelling_;
  bool is_await_coming_ = false;
  bool is_awaited_ = false;
};
using AwaitedTaskPtr = base::IntrusivePtr<AwaitedTask>;

}  // namespace aiointerpreters::binding
