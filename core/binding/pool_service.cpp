// See pool_service.h.
#include "binding/pool_service.h"

#include <memory>
#include <utility>

#include "binding/outcome.h"
#include "binding/worker_thread.h"
#include "py/error.h"

namespace aiointerpreters::binding {

void raise_refusal(ModuleState& state, const pool::Pool& pool, pool::Lane lane) {
  const std::shared_ptr<const pool::Breakage> breakage = pool.broken(lane);
  if (!breakage) {
    PyErr_SetString(PyExc_RuntimeError, state.exiting ? kInterpreterShutdown : "cannot schedule new futures after shutdown");
    return;
  }
  py::Ref error = broken_pool_exception(state, *breakage);
  if (error) py::restore_exception(std::move(error));
}

bool start_thread(ModuleState& state, PyObject* executor, PyObject* object, pool::Pool& pool) {
  if (start_worker_thread(state, executor, object)) return true;
  py::Ref error = py::take_exception();
  const bool is_refusal = PyErr_GivenExceptionMatches(error.get(), PyExc_RuntimeError) != 0 ||
                          PyErr_GivenExceptionMatches(error.get(), PyExc_MemoryError) != 0;
  const bool served = pool.thread_failed();
  if (!served) {
    pool::TaskList tasks = pool.take_queued();
    while (const pool::TaskPtr task = tasks.pop()) task->cancel_at_home();
  }
  if (served && is_refusal) return true;
  py::restore_exception(std::move(error));
  return false;
}

bool start_missing_threads(ModuleState& state, PyObject* executor, PyObject* object, pool::Pool& pool) {
  while (pool.claim_thread()) {
    if (start_worker_thread(state, executor, object)) continue;
    static_cast<void>(pool.thread_failed());
    return false;
  }
  return true;
}

}  // namespace aiointerpreters::binding
