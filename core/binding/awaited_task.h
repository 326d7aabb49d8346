// AwaitedTask: the task of a call that `executor.run` has made, outstanding until its future has been told or wants to know no
// more.
// Requires: attached to home, on the loop's thread, where nothing else is said.
#pragma once

#include "binding/asyncio_bridge.h"
#include "binding/home_task.h"
#include "py/python.h"

namespace aiointerpreters::binding {

class AwaitedTask final : public HomeTask {
 public:
  explicit AwaitedTask(ModuleState& home) noexcept : HomeTask(Side::kWorker, home) {}

  // From now on the task's end is told to the future, which knows the task. Requires: it is not queued yet. Runs Python.
  // Errors: false with what the loop has raised.
  [[nodiscard]] bool expect(AsyncioBridge& bridge, PyObject* future);
  // Somebody is about to await the future in the running loop: tells it the end if that has come, or comes in a moment.
  // Blocks: for that moment, detached. Runs Python. Errors: as arrive.
  enum class Found { kNothing, kEnd, kError };
  [[nodiscard]] Found find_end();
  // The future is not told. Nothing happens if the task is not outstanding.
  void forget();
  // Forgets it and ends it: cancels it if it is queued, interrupts it if it runs. Runs Python.
  void stop();

  void run_at_home() override {}
  // Thread: any of home's.
  void cancel_at_home() override;
  [[nodiscard]] bool arrive() override;
  void lose_loop() override { stop(); }
};
using AwaitedTaskPtr = base::IntrusivePtr<AwaitedTask>;

}  // namespace aiointerpreters::binding
