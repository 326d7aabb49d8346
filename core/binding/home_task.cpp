// See home_task.h.
#include "binding/home_task.h"

#include <memory>
#include <string>

#include "pool/pool.h"

namespace aiointerpreters::binding {

void HomeTask::report_ignored_interrupt() {
  const bool named = callable && !callable->qualname.empty();
  const std::string module = named && callable->by_reference() ? callable->module + '.' : std::string();
  const std::string name = named ? module + callable->qualname : "a task";
  home_.runtime.lessor->door().visit(
      [&] { log_warning(name + " goes on in a worker's interpreter, seconds after it was interrupted"); });
}

int interrupt_running(const ModuleState& home, pool::Task& task) {
  if (task.side() != pool::Task::Side::kWorker || !task.request_interrupt()) return 0;
  for (const std::weak_ptr<pool::Pool>& weak : home.pools) {
    const std::shared_ptr<pool::Pool> pool = weak.lock();
    const std::shared_ptr<pool::Interrupter> interrupter = pool ? pool->interrupter_of(task) : nullptr;
    if (!interrupter) continue;
    if (interrupter->interrupt(pool::TaskPtr(&task))) break;
    PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
    return -1;
  }
  return 1;
}

}  // namespace aiointerpreters::binding
