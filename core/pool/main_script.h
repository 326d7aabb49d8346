// MainScript: home's script. A worker's interpreter runs it once, as `__mp_main__`, to find the functions in it (hazard
// 31).
// Owner: the HostedInterpreter. Thread: the worker's and its event loop's; the interpreter's GIL guards everything but
// `state_`.
#pragma once

#include <atomic>
#include <cstdint>

#include "codec/codec.h"
#include "codec/runtime.h"
#include "pool/environment.h"

namespace aiointerpreters::pool {

class MainScript {
 public:
  MainScript() noexcept = default;
  MainScript(const MainScript&) = delete;
  MainScript& operator=(const MainScript&) = delete;

  // Makes sure that the script has been run. While another thread runs it, this one waits, detached.
  // Requires: attached. Blocks. Runs Python. Errors: false with an exception set. A script that has failed is not run
  // again, because it had side effects. A script that was stopped is run again.
  [[nodiscard]] bool run_once(codec::Runtime& runtime, const EnvironmentPtr& environment);

 private:
  enum State : std::uint32_t { kNotRun, kRunning, kDone, kFailed };

  void end(State how) noexcept;
  bool raise_failure(codec::Runtime& runtime);  // sets the exception with the reason of the failure; returns false

  std::atomic<std::uint32_t> state_{kNotRun};  // a State; written under the GIL, release / acquire for the thread that waits
  codec::Message failure_;
};

}  // namespace aiointerpreters::pool
