// AwaitedTask: the task of a call that an event loop awaits through a RunFuture. `executor.run` or `loop.run_in_executor`
// has created it. It is outstanding until its future has been completed or need not be completed any more.
// Requires: attached to home, on the loop's thread, unless stated otherwise.
#pragma once

#include <memory>

#include "binding/asyncio_bridge.h"
#include "binding/home_task.h"
#include "py/python.h"

namespace aiointerpreters::binding {

class AwaitedTask final : public HomeTask {
 public:
  // What happens to the call if its future is cancelled, or if the loop is closed.
  enum class Cancelling {
    kStops,          // for `run`: a queued call never runs, a running call is interrupted
    kCancelsQueued,  // for `run_in_executor`: cancelling the future cancels a queued call; all others continue
  };
  AwaitedTask(ModuleState& home, Cancelling manner) noexcept
      : HomeTask(pool::Lane::kInterpreters, home), cancelling_(manner) {}

  [[nodiscard]] static base::IntrusivePtr<AwaitedTask> make(ModuleState& home, Cancelling manner) {
    return base::IntrusivePtr<AwaitedTask>(std::make_unique<AwaitedTask>(home, manner).release());
  }

  // Connects the task with a future: from now on the task's end completes the future. Requires: the task is not queued yet.
  // Runs Python. Errors: false with the exception of the loop.
  [[nodiscard]] bool expect(AsyncioBridge& bridge, PyObject* future);
  // Call it when the running loop is about to await the future. If the call has ended, or ends within a moment, completes
  // the future. Blocks: for that moment, detached. Runs Python. Errors: as arrive.
  enum class Found { kNothing, kEnd, kError };
  [[nodiscard]] Found find_end();
  // Code has begun to wait for the future, in this context. The task uses the context of the last waiter that awaits the
  // future itself (expect_await), or else that of the last waiter. Runs Python.
  void note_waiter(py::Ref waiting);
  // The next caller of note_waiter is about to await the future itself.
  void expect_await() noexcept { is_await_coming_ = true; }
  // From now on another loop waits for the call, instead of the future's own loop. `waker`, a future of that other loop, is
  // completed when the call ends. Requires: attached, on that loop's thread; nobody waits for the future in its own loop.
  // Runs Python. Errors: as expect, or as arrive.
  [[nodiscard]] bool move(AsyncioBridge& bridge, PyObject* waker);
  // The future is not completed. Does nothing if the task is not outstanding.
  void forget();
  // Forgets the future, and stops the call as if its future were cancelled. Runs Python.
  void stop();

  void run_at_home() override {}
  void settle_at_home(Change how) override;
  // Thread: any of home.
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
