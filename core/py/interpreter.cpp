// See interpreter.h.
#include "py/interpreter.h"

#include <chrono>
#include <cstddef>
#include <utility>

#include "base/mutex.h"
#include "base/pages.h"
#include "base/stack.h"
#include "py/other_threads.h"
#include "py/ref.h"
#include "py/stoppable_end.h"

namespace aiointerpreters::py {

namespace {

constexpr PyInterpreterConfig kConfig = {
    .use_main_obmalloc = 0,  // the runtime would accept 1, and two GILs would share an allocator without a lock
    .allow_fork = 0,
    .allow_exec = 0,
    .allow_threads = 1,
    .allow_daemon_threads = 1,  // daemon threads that do not end when told to are the reason for abandoned.h
    .check_multi_interp_extensions = 1,
    .gil = PyInterpreterConfig_OWN_GIL,
};
static_assert(kConfig.use_main_obmalloc == 0 && kConfig.gil == PyInterpreterConfig_OWN_GIL);

// Process-wide like the tables that it protects: CPython's own, before 3.14. Python code (site) runs under it. It cannot
// deadlock, because a thread that waits for it is detached, and no code that runs under it makes an interpreter.
constinit base::Mutex creation_mutex;

// CPython 3.14 crashes if memory runs out while it makes an interpreter. So three times the memory of a bare interpreter
// must be available.
constexpr std::size_t kHeadroom = std::size_t{8} << 20;

// For a thread to run a few instructions, on a machine that others keep busy.
constexpr std::chrono::seconds kInstant{1};

PyStatus create_serialized(PyThreadState** own) {
  lock_detached(creation_mutex);
  const PyStatus status = Py_NewInterpreterFromConfig(own, &kConfig);
  creation_mutex.unlock();
  return status;
}

}  // namespace

std::string Interpreter::create(ThreadSides& sides) {
  if (!base::has_headroom(kHeadroom)) return "not enough memory";
  PyThreadState* own = nullptr;
  const PyStatus status = kOneCreationAtATime ? create_serialized(&own) : Py_NewInterpreterFromConfig(&own, &kConfig);
  if (PyStatus_Exception(status)) {
    return status.err_msg != nullptr ? status.err_msg : "CPython could not create an interpreter";
  }
  sides.adopt_own(own);
  guard_.take();
  base::trim_stack();  // nothing later is as deep as the imports of a new interpreter
  return {};
}

void Interpreter::end(ThreadSides& sides, const std::atomic<bool>& stops, const std::shared_ptr<ForeignThreads>& threads) {
  sides.attach_own();
  // A thread that is inside and has no state yet, or no longer has one, has an instant to leave.
  const bool is_left = has_other_threads() || (threads && !threads->close(base::Clock::now() + kInstant));
  guard_.close();
  if (is_left || has_other_threads()) {
    abandoned_->interpreter = PyInterpreterState_Get();
    abandoned_->threads = threads;
    sides.leave_own();
    keep_abandoned(std::move(abandoned_));
    return;
  }
  begin_stoppable_end(stops);
  Py_EndInterpreter(sides.own());
  sides.forget_own();
}

bool stop_tracing() {
  if (!tracing_spoils_ends()) return false;
  const Ref tracer = Ref::steal(PyImport_ImportModule("_tracemalloc"));
  const Ref traces = tracer ? Ref::steal(PyObject_CallMethod(tracer.get(), "is_tracing", nullptr)) : Ref();
  const bool stopped =
      traces.get() == Py_True && static_cast<bool>(Ref::steal(PyObject_CallMethod(tracer.get(), "stop", nullptr)));
  PyErr_Clear();
  return stopped;
}

}  // namespace aiointerpreters::py
