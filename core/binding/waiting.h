// Waiting at home for workers. The thread is detached, and checks for signals if it is the thread that handles them.
// Requires: attached to home.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/futex.h"
#include "binding/lifecycle_functions.h"
#include "binding/module_state.h"
#include "py/attach.h"
#include "py/python.h"

namespace aiointerpreters::binding {

enum class Waited { kDone, kTimedOut, kError };

// `wait_at_home` for a thread on which the awaited work does not depend.
template <typename Wait, typename Done>
Waited wait_outright(const ModuleState& home, const base::Deadline& deadline, Wait&& wait, Done&& done) {
  // The main thread checks for signals at least this often, because a signal may come between a check and the sleep. A
  // worker checks for interrupts.
  constexpr std::chrono::milliseconds kSlice{200};
  const unsigned long thread = PyThread_get_thread_ident();
  const codec::Runtime& runtime = home.runtime;
  const bool is_interruptible =
      thread == home.main_thread || runtime.interruptible.is_thread(thread) || runtime.loop_interruptible.is_thread(thread);
  while (!done()) {
    if (PyErr_CheckSignals() < 0 || !runtime.interruptible.check() || !runtime.loop_interruptible.check())
      return Waited::kError;
    base::Deadline slice = deadline;
    if (is_interruptible) {
      const auto next_look = base::Clock::now() + kSlice;
      slice = deadline ? std::min(*deadline, next_look) : next_look;
    }
    py::detached([&] {
      wait(slice);
      return 0;
    });
    if (base::is_over(deadline) && !done()) return Waited::kTimedOut;
  }
  return Waited::kDone;
}

// Calls `wait(deadline)`, detached, until `done()` is true. `wait` has to return at its deadline or at a signal, or
// earlier. Blocks. Runs Python: signal handlers. Errors: kError with the exception of a handler, or with TaskInterrupted if
// home is itself a worker's interpreter and the task that waits here must be stopped.
template <typename Wait, typename Done>
Waited wait_at_home(ModuleState& home, const base::Deadline& deadline, Wait&& wait, Done&& done) {
  if (done()) return Waited::kDone;
  const bool is_recess = begin_recess(home);
  const Waited waited = wait_outright(home, deadline, wait, done);
  if (is_recess) end_recess(home);
  return waited;
}

}  // namespace aiointerpreters::binding
