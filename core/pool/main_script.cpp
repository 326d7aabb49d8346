// See main_script.h.
#include "pool/main_script.h"

#include "base/futex.h"
#include "codec/import_hint.h"
#include "py/attach.h"
#include "py/error.h"

namespace aiointerpreters::pool {

namespace {

// Errors: false with an exception set.
bool run_script(codec::Runtime& runtime, const EnvironmentPtr& environment) {
  if (!environment || environment->main == Environment::Main::kNone) {
    PyErr_SetString(PyExc_ImportError,
                    "this program's __main__ is not a script that a worker can run: put the function in a module");
    return false;
  }
  const py::Ref script = py::Ref::steal(PyImport_ImportModule("aiointerpreters._script"));
  const py::Ref name = codec::decode_value(runtime, environment->main_name);
  if (!script || !name) return false;
  const char* const run = environment->main == Environment::Main::kModule ? "run_module" : "run_path";
  return static_cast<bool>(py::Ref::steal(PyObject_CallMethod(script.get(), run, "O", name.get())));
}

}  // namespace

bool MainScript::run_once(codec::Runtime& runtime, const EnvironmentPtr& environment) {
  std::uint32_t state = state_.load(std::memory_order_acquire);
  for (; state == kRunning; state = state_.load(std::memory_order_acquire)) {
    py::detached([&] { return base::wait_on(state_, kRunning, base::Deadline()); });
  }
  if (state == kDone) return true;
  if (state == kFailed) return raise_failure(runtime);
  state_.store(kRunning, std::memory_order_relaxed);
  runtime.running_main = true;
  const bool done = py::guarded(false, [&] { return run_script(runtime, environment); });
  runtime.running_main = false;
  if (done) {
    end(kDone);
    return true;
  }
  // It was stopped, or could not even begin, so the next task tries again.
  if (PyErr_ExceptionMatches(runtime.task_interrupted.get()) != 0 || PyErr_ExceptionMatches(PyExc_MemoryError) != 0) {
    end(kNotRun);
    return false;
  }
  if (!runtime.guard_missing)
    codec::raise_interpreter_error(runtime, "this program's __main__ could not be run in a worker's interpreter");
  const bool is_kept = py::guarded(false, [&] {
    codec::encode_exception(runtime, failure_);
    return true;
  });
  end(is_kept ? kFailed : kNotRun);
  return is_kept && raise_failure(runtime);
}

void MainScript::end(State how) noexcept {
  state_.store(how, std::memory_order_release);
  base::wake_all(&state_);
}

bool MainScript::raise_failure(codec::Runtime& runtime) {
  py::restore_exception(codec::decode_exception(runtime, failure_));
  return false;
}

}  // namespace aiointerpreters::pool
