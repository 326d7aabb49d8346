// Waiting at home for what workers do: detached, with an eye on signals where they are handled.
// Requires: attached to home.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/futex.h"
#include "binding/module_state.h"
#include "py/attach.h"
#include "py/python.h"

namespace aiointerpreters::binding {

enum class Waited { kDone, kTimedOut, kError };

// Calls `wait(deadline)`, detached, until `done()`; `wait` returns at the latest at the deadline it is given or at a signal.
// Blocks. Runs Python: signal handlers. Errors: kError with what a handler raised.
template <typename Wait, typename Done>
Waited wait_at_home(const ModuleState& home, const base::Deadline& deadline, Wait&& wait, Done&& done) {
  // The main thread looks for signals at least this often, in case one comes between its look and its sleep.
  constexpr std::chrono::milliseconds kSignalSlice{200};
  const bool handles_signals = PyThread_get_thread_ident() == home.main_thread;
  while (!done()) {
    base::Deadline slice = deadline;
    if (handles_signals) {
      const auto next_look = base::Clock::now() + kSignalSlice;
      slice = deadline ? std::min(*deadline, next_look) : next_look;
    }
    py::detached([&] {
      wait(slice);
      return 0;
    });
    if (done()) break;
    if (PyErr_CheckSignals() < 0) return Waited::kError;
    if (deadline && base::Clock::now() >= *deadline) return Waited::kTimedOut;
  }
  return Waited::kDone;
}

}  // namespace aiointerpreters::binding
