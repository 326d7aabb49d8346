// See lifecycle_functions.h.
#include "binding/lifecycle_functions.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/process.h"
#include "binding/module.h"
#include "binding/pool_type.h"
#include "binding/waiting.h"
#include "binding/words.h"
#include "pool/pool.h"
#include "py/abandoned.h"
#include "py/attach.h"
#include "py/compat.h"
#include "py/error.h"
#include "py/interpreter.h"

namespace aiointerpreters::binding {

namespace {

PyObject* note_exit(PyObject* module, PyObject*) {
  state_of(module).exiting = true;
  state_of(module).environment.let_go_of_main();
  Py_RETURN_NONE;
}

PyObject* stop_visitor(PyObject* module, PyObject*) {
  const std::shared_ptr<pool::Visitor> visitor = state_of(module).visitor;
  if (visitor) {
    py::detached([&] {
      visitor->stop();
      return 0;
    });
  }
  state_of(module).runtime.lessor->take_back();
  Py_RETURN_NONE;
}

// Waits until all warnings are written. Errors: false with an exception set.
bool wait_for_reports(ModuleState& home, const pool::Reporter& reporter) {
  const auto wait = [&](const base::Deadline& deadline) { reporter.wait_until_idle(deadline); };
  return wait_at_home(home, base::Deadline(), wait, [&] { return reporter.is_idle(); }) == Waited::kDone;
}

PyObject* end_words(PyObject* module, PyObject*) {
  if (!finish_words(state_of(module))) return nullptr;
  Py_RETURN_NONE;
}

PyObject* finish_reports(PyObject* module, PyObject*) {
  ModuleState& state = state_of(module);
  const std::shared_ptr<pool::Reporter> reporter = state.reporter;
  if (reporter) reporter->write_left();
  if (reporter && !wait_for_reports(state, *reporter)) return nullptr;
  Py_RETURN_NONE;
}

// Closes the pools that guests have entrusted to this interpreter, and waits until their workers have left.
PyObject* finish_guests(PyObject* module, PyObject* stop) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of(module);
    const std::vector<std::weak_ptr<pool::Pool>> guest_pools = state.guest_pools;
    for (const std::weak_ptr<pool::Pool>& weak : guest_pools) {
      const std::shared_ptr<pool::Pool> pool = weak.lock();
      if (!pool) continue;
      pool->close();
      if (stop == Py_True) pool->stop();
      if (!wait_for_end(state, *pool)) return nullptr;
    }
    const std::vector<std::weak_ptr<pool::Relay>> guest_relays = state.guest_relays;
    for (const std::weak_ptr<pool::Relay>& weak : guest_relays) {
      const std::shared_ptr<pool::Relay> relay = weak.lock();
      if (relay && !wait_for_words(state, *relay)) return nullptr;
    }
    const std::vector<std::weak_ptr<pool::Reporter>> guest_reporters = state.guest_reporters;
    for (const std::weak_ptr<pool::Reporter>& weak : guest_reporters) {
      const std::shared_ptr<pool::Reporter> reporter = weak.lock();
      if (reporter && !wait_for_reports(state, *reporter)) return nullptr;
    }
    Py_RETURN_NONE;
  });
}

// ---- Interpreters that were abandoned because of threads in them. They belong to the process, so the main interpreter
// ends them.

// Before 3.14, an interpreter with threads in it may be ended only when no other thread can attach any more
// (py/abandoned.h). This is true when CPython clears the modules, which destroys this object.
constexpr const char* kEndsAbandoned = "ends_abandoned";

void on_modules_end(PyObject*) {
  py::detached([] {
    py::end_all_abandoned();
    return 0;
  });
}

void end_what_is_deserted() {
  if (py::count_abandoned() == 0) return;
  static_cast<void>(py::stop_tracing());
  py::detached([] {
    static const std::atomic<bool> kStops{true};
    py::end_deserted(kStops);
    return 0;
  });
}

PyObject* end_abandoned(PyObject*, PyObject*) {
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) Py_RETURN_NONE;
  end_what_is_deserted();
  if (py::kEndsUnderThreads) {
    py::detached([] {
      py::end_all_abandoned();
      return 0;
    });
  }
  Py_RETURN_NONE;
}

bool add_last_act(PyObject* module) {
  if (py::kEndsUnderThreads || PyInterpreterState_Get() != PyInterpreterState_Main()) return true;
  return PyModule_Add(module, kEndsAbandoned, PyCapsule_New(module, nullptr, on_modules_end)) == 0;
}

// ---- Fork (hazard 16). CPython calls these functions directly. No Python code is around them in which Ctrl-C could raise.

// How long a fork waits for running work. Creating an interpreter never takes so long.
constexpr std::chrono::seconds kRest{2};

// How long a fork waits for interpreters that run no task any more and are being ended. Threads that tasks have left there
// get 5 seconds to end (pool/left_threads.h, pool/ending.h). This is longer, because the machine may be busy.
constexpr std::chrono::seconds kEnding{20};

struct Patience {
  base::Deadline for_work;
  base::Deadline for_ends;

  [[nodiscard]] const base::Deadline& with(const pool::Pool& pool) const {
    return base::is_over(for_work) && pool.ending() > 0 ? for_ends : for_work;
  }
};

void pause_visitor(ModuleState& state) {
  const std::shared_ptr<pool::Visitor> visitor = state.visitor;
  if (!visitor) return;
  py::detached([&] {
    visitor->pause();
    return 0;
  });
}

// Waits until the pool has no interpreters. Ends those that workers have lent while they run other code.
void wait_for_rest(pool::Pool& pool, const Patience& patience) {
  for (;;) {
    const std::uint32_t seen = pool.rest_news();
    while (pool::Seat* const seat = pool.take_lent()) pool.return_lent(*seat, seat->lender->end_lent());
    const base::Deadline& deadline = patience.with(pool);
    if (pool.interpreters() == 0 || base::is_over(deadline)) return;
    py::detached([&] {
      static_cast<void>(pool.wait_for_rest_news(seen, deadline));
      return 0;
    });
  }
}

// Ends every interpreter, except those that stay busy too long, and warns of these.
void rest_all(ModuleState& state) {
  state.is_resting = true;
  const auto now = base::Clock::now();
  const Patience patience{now + kRest, now + kEnding};
  std::size_t asleep = 0;
  for (;;) {
    for (const auto& [address, weak] : state.pools) {
      std::shared_ptr<pool::Pool> pool = weak.lock();
      if (!pool || std::ranges::find(state.resting, pool) != state.resting.end()) continue;
      state.resting.push_back(std::move(pool));
      state.resting.back()->begin_rest();
    }
    if (asleep == state.resting.size()) break;
    for (; asleep < state.resting.size(); ++asleep) {  // other threads may create pools meanwhile
      const std::shared_ptr<pool::Pool> pool = state.resting[asleep];
      wait_for_rest(*pool, patience);
    }
  }
  std::size_t busy = 0;
  std::size_t ending = 0;
  for (const std::shared_ptr<pool::Pool>& pool : state.resting) {
    const std::size_t present = pool->interpreters();
    const std::size_t idle = std::min(pool->ending(), present);
    ending += idle;
    busy += present - idle;
  }
  end_what_is_deserted();
  const std::size_t abandoned = py::count_abandoned() + ending;
  if ((busy == 0 && abandoned == 0) || !state.reporter) return;
  std::string what = busy > 0 ? std::to_string(busy) + " interpreters run tasks" : "";
  if (abandoned > 0) {
    what += (busy > 0 ? " and " : "") + std::to_string(abandoned) + " interpreters have threads that do not end";
  }
  state.reporter->warn("the process forks while " + what +
                       ": CPython will end the child process with a fatal error (python/cpython#101437). Fork before any "
                       "task runs, or use multiprocessing's spawn method");
}

void wake_all(ModuleState& state) noexcept {
  state.is_resting = false;
  for (const std::shared_ptr<pool::Pool>& pool : state.resting) pool->end_rest();
  state.resting.clear();
}

void begin_fork(ModuleState& state) AIOI_UNCHECKED("it stays locked until end_fork") { py::lock_detached(state.forking); }
void end_fork(ModuleState& state) noexcept AIOI_UNCHECKED("begin_fork has locked it") { state.forking.unlock(); }

PyObject* before_fork(PyObject* module, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&] {
    ModuleState& state = state_of(module);
    begin_fork(state);
    state.forker = PyThread_get_thread_ident();
    rest_all(state);
    pause_visitor(state);
    return Py_NewRef(Py_None);
  });
}

PyObject* after_fork_in_parent(PyObject* module, PyObject*) {
  ModuleState& state = state_of(module);
  wake_all(state);
  state.forker = 0;
  end_fork(state);
  state.runtime.lessor->take_back();
  Py_RETURN_NONE;
}

PyObject* after_fork_in_child(PyObject* module, PyObject*) {
  note_child(state_of(module));
  Py_RETURN_NONE;
}

PyMethodDef kLifecycleFunctions[] = {
    {"note_exit", note_exit, METH_NOARGS,
     "note_exit($module, /)\n--\n\nNote that the interpreter ends. `submit` raises RuntimeError from now on."},
    {"end_abandoned", end_abandoned, METH_NOARGS,
     "end_abandoned($module, /)\n--\n\n"
     "End the interpreters that still contain threads which could not be stopped. Called at the end of the process, after\n"
     "all pools have ended."},
    {"finish_reports", finish_reports, METH_NOARGS,
     "finish_reports($module, /)\n--\n\nWait until all warnings are in the log. All pools must have ended."},
    {"end_words", end_words, METH_NOARGS,
     "end_words($module, /)\n--\n\n"
     "Wait until all words of workers are handled, and end the thread that does it. All pools must have ended, and none\n"
     "may be created any more."},
    {"stop_visitor", stop_visitor, METH_NOARGS,
     "stop_visitor($module, /)\n--\n\nEnd the thread that takes back lent objects. All pools must have ended."},
    {"finish_guests", finish_guests, METH_O,
     "finish_guests($module, stop, /)\n--\n\n"
     "Close the pools that other code has created inside interpreters and has not closed, and wait for their ends.\n\n"
     "Args:\n"
     "    stop: Whether to stop the calls that these pools run."},
    {"before_fork", before_fork, METH_NOARGS,
     "before_fork($module, /)\n--\n\nEnd idle interpreters, and make other threads wait before they fork."},
    {"after_fork_in_parent", after_fork_in_parent, METH_NOARGS,
     "after_fork_in_parent($module, /)\n--\n\nCreate interpreters again for the tasks that need them."},
    {"after_fork_in_child", after_fork_in_child, METH_NOARGS,
     "after_fork_in_child($module, /)\n--\n\nLeave all pools, and all calls that have not ended, to the parent process."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void entrust_to_main(const ModuleState& home, const std::shared_ptr<pool::Pool>& pool) {
  const bool is_workers = static_cast<bool>(home.runtime.module);
  if (is_workers || PyInterpreterState_Get() == PyInterpreterState_Main()) return;
  const auto entrust = [&] {
    static_cast<void>(py::guarded(false, [&] {
      const py::Ref python_half = py::Ref::steal(PyImport_ImportModule("aiointerpreters._guests"));
      ModuleState* const main = python_half ? find_state() : nullptr;
      if (main == nullptr) return false;
      std::erase_if(main->guest_pools, [](const auto& known) { return known.expired(); });
      main->guest_pools.push_back(pool);
      std::erase_if(main->guest_reporters, [](const auto& known) { return known.expired(); });
      main->guest_reporters.push_back(home.reporter);
      std::erase_if(main->guest_relays, [](const auto& known) { return known.expired(); });
      if (home.relay) main->guest_relays.push_back(home.relay);
      return true;
    }));
    PyErr_Clear();
  };
  py::detached([&] { return py::visit(PyInterpreterState_Main(), entrust); });
}

void note_child(ModuleState& state) noexcept {
  if (state.process == base::process_id()) return;
  state.process = base::process_id();
  py::forget_abandoned();
  state.is_resting = false;
  if (std::exchange(state.forker, 0) != 0) end_fork(state);
  ++state.forks;
  state.main_thread = PyThread_get_thread_ident();
  state.settling.clear();
  state.resting.clear();  // pools with threads stay alive: the parent's threads hold references, and do not run here
  state.starting.clear();
  std::erase_if(state.serving, [](const auto& other) { return other.first != PyThread_get_thread_ident(); });
  state.pools.clear();
  state.guest_pools.clear();
  state.guest_reporters.clear();
  state.guest_relays.clear();
  if (state.relay) state.relay->leave_to_parent();
  // The thread of the old reporter does not exist in this process. If there is no memory for a new reporter, the old one is
  // kept.
  static_cast<void>(py::guarded(false, [&] {
    if (state.reporter) state.reporter = make_reporter(state);
    return true;
  }));
  PyErr_Clear();
}

bool begin_recess(ModuleState& state) noexcept {
  if (state.forker != PyThread_get_thread_ident() || !state.is_resting) return false;
  wake_all(state);
  return true;
}

void end_recess(ModuleState& state) {
  py::Ref error = py::take_exception();
  static_cast<void>(py::guarded(false, [&] {
    rest_all(state);
    pause_visitor(state);
    return true;
  }));
  PyErr_Clear();
  py::restore_exception(std::move(error));
}

bool add_lifecycle_functions(PyObject* module) {
  return PyModule_AddFunctions(module, kLifecycleFunctions) == 0 && add_last_act(module);
}

}  // namespace aiointerpreters::binding
