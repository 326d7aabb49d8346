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
    .use_main_obmalloc = 0,  // with 1, two GILs would share an allocator without a lock, and CPython would not complain
    .allow_fork = 0,
    .allow_exec = 0,
    .allow_threads = 1,
    .allow_daemon_threads = 1,  // if they do not end when told to, the interpreter is abandoned (abandoned.h)
    .check_multi_interp_extensions = 1,
    .gil = PyInterpreterConfig_OWN_GIL,
};
static_assert(kConfig.use_main_obmalloc == 0 && kConfig.gil == PyInterpreterConfig_OWN_GIL);

// Process-wide, like the tables of CPython that it protects (before 3.14). Python code (site) runs under it. It cannot
// deadlock: a thread that waits for it is detached, and no code that runs under it creates an interpreter.
constinit base::Mutex creation_mutex;

// CPython 3.14 crashes if memory runs out while it creates an interpreter. So this much must be available: three times the
// memory of a bare interpreter.
constexpr std::size_t kHeadroom = std::size_t{8} << 20;

// Enough for a thread to run a few instructions, even on a busy machine.
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
  // A thread may be inside without a thread state, at the beginning or end of its stay. It has a moment to leave.
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
