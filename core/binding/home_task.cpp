// See home_task.h.
#include "binding/home_task.h"

#include <memory>
#include <new>
#include <string>
#include <utility>

#include "binding/asyncio_bridge.h"
#include "pool/glance.h"
#include "pool/pool.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

int interrupt_by(pool::Interrupter& interrupter, pool::Task& task) {
  if (interrupter.interrupt(pool::TaskPtr(&task))) return 1;
  PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
  return -1;
}

}  // namespace

void HomeTask::visit_home_to_settle(Change how) {
  home_.runtime.lessor->door().visit([&] {
    const unsigned long thread = PyThread_get_thread_ident();
    const bool is_noted = py::guarded(false, [&] {
      home_.settling.insert_or_assign(thread, this->pool);
      return true;
    });
    PyErr_Clear();
    settle_at_home(how);
    if (is_noted) home_.settling.erase(thread);
  });
}

void HomeTask::settle_at_home(Change how) {
  if (how != Change::kMail) return;
  // bridge_ is not used: it is null if nobody waits for this task any more, but the mailbox may contain later tasks.
  for (const auto& [loop, bridge] : home_.asyncio.bridges) {
    if (bridge->mailbox().get() == mailbox.get()) return bridge->call_loop();
  }
}

void HomeTask::tell_in(py::Ref telling) {
  if (bridge_ == nullptr) return;
  const py::Ref before = py::Ref::steal(std::exchange(context_, telling.release()));
}

void HomeTask::report_ignored_interrupt() {
  try {
    const std::string name = pool::name_of_call(*this);
    if (home_.reporter) {
      home_.reporter->warn((name.empty() ? "a task" : name) +
                           " still runs in a worker's interpreter, seconds after it was interrupted: it may catch "
                           "TaskInterrupted, or be inside C code");
    }
  } catch (const std::bad_alloc&) {  // no memory for the warning
  }
}

int interrupt_running(const ModuleState& home, pool::Task& task) {
  if (task.lane == pool::Lane::kHome || !task.request_interrupt()) return 0;
  const auto found = home.pools.find(task.pool);
  const std::shared_ptr<pool::Pool> pool = found != home.pools.end() ? found->second.lock() : nullptr;
  const std::shared_ptr<pool::Interrupter> interrupter = pool ? pool->interrupter_of(task) : nullptr;
  return interrupter ? interrupt_by(*interrupter, task) : 1;
}

}  // namespace aiointerpreters::binding
