// AwaitedTask: the task of a call that an event loop awaits by a RunFuture, made by `executor.run` or
// `loop.run_in_executor`. It is outstanding until its future has been told or no longer needs to be.
// Requires: attached to home, on the loop's thread, unless stated otherwise.
#pragma once

#include "binding/asyncio_bridge.h"
#include "binding/home_task.h"
#include "py/python.h"

namespace aiointerpreters::binding {

class AwaitedTask final : public HomeTask {
 public:
  // What happens to the call when its future is cancelled, or when the loop is closed.
  enum class Cancelling {
    kStops,          // `run`: a queued call never runs, a running one is interrupted
    kCancelsQueued,  // `run_in_executor`: if it is queued and the future is cancelled it never runs; else it continues
  };
  AwaitedTask(ModuleState& home, Cancelling manner) noexcept
      : HomeTask(pool::Lane::kInterpreters, home), cancelling_(manner) {}

  // From now on the task's end is told to the future, which knows the task. Requires: it is not queued yet. Runs Python.
  // Errors: false with the exception of the loop.
  [[nodiscard]] bool expect(AsyncioBridge& bridge, PyObject* future);
  // The running loop is about to await the future: tells it the end if that has come, or comes within a moment. Blocks: for
  // that moment, detached. Runs Python. Errors: as arrive.
  enum class Found { kNothing, kEnd, kError };
  [[nodiscard]] Found find_end();
  // Code has begun to wait for the future, in this context. The context of the last waiter that awaits the future itself
  // (expect_await) is used; without such a waiter, the context of the last one. Runs Python.
  void note_waiter(py::Ref waiting);
  // The next caller of note_waiter is about to await the future itself.
  void expect_await() noexcept { is_await_coming_ = true; }
  // A loop other than the future's waits for it from now on. The waker, a future of that loop, is told when the future is
  // done. Requires: attached on that loop's thread; nobody waits for the future in its own loop. Runs Python. Errors: as
  // expect, or as arrive.
  [[nodiscard]] bool move(AsyncioBridge& bridge, PyObject* waker);
  // The future is not told. Nothing happens if the task is not outstanding.
  void forget();
  // Forgets it, and does to the call what cancelling its future does. Runs Python.
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
