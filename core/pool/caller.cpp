// See caller.h.
#include "pool/caller.h"

#include <new>
#include <utility>

#include "codec/attachment.h"
#include "py/error.h"

namespace aiointerpreters::pool {

// Calls once for each tuple of arguments in the list that is the argument. Each call gets the callable as home has it.
// Returns new: the list of results. The callable may find both lists (gc.get_objects) and change them.
py::Ref Caller::call_rows(codec::Runtime& runtime, const Task& task, py::Ref callable) {
  const py::Ref rows = py::Ref::steal(PyList_AsTuple(arguments_.positional(0)));
  py::Ref results = py::Ref::steal(PyList_New(0));
  if (!rows || !results) return {};
  for (Py_ssize_t row = 0; row < PyTuple_GET_SIZE(rows.get()); ++row) {
    if (row != 0 && task.callable_id != codec::CallableRef::kUncached) {
      callable = find(runtime, task.callable_id, task.callable);
      if (!callable) return {};
    }
    py::Ref result = py::Ref::steal(PyObject_CallObject(callable.get(), PyTuple_GET_ITEM(rows.get(), row)));
    if (!result || PyList_Append(results.get(), result.get()) < 0) return {};
  }
  return results;
}

// The same for a coroutine function. Returns new: a coroutine.
py::Ref Caller::call_rows_in_loop(codec::Runtime& runtime, const Task& task, py::Ref callable) {
  PyObject* const rows = arguments_.positional(0);
  const py::Ref callables = py::Ref::steal(PyList_New(0));
  if (!callables) return {};
  for (Py_ssize_t row = 0; row < PyList_GET_SIZE(rows); ++row) {
    if (row != 0 && task.callable_id != codec::CallableRef::kUncached) {
      callable = find(runtime, task.callable_id, task.callable);
      if (!callable) return {};
    }
    if (PyList_Append(callables.get(), callable.get()) < 0) return {};
  }
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._event_loop"));
  return module ? py::Ref::steal(PyObject_CallMethod(module.get(), "call_rows", "OO", callables.get(), rows)) : py::Ref();
}

py::Ref Caller::find(codec::Runtime& runtime, std::uint64_t id, const codec::CallablePtr& ref) {
  py::Ref uncached;
  return py::Ref::borrow(callables_.find(runtime, id, ref, uncached));
}

py::Ref Caller::call(codec::Runtime& runtime, Task& task) {
  py::Ref callable = find(runtime, task.callable_id, task.callable);
  if (!callable || !codec::decode_call(runtime, task.message, arguments_)) return {};
  task.message.clear();  // also gives up lent memory, which the function may not use any more
  if (task.context && !enter_context(runtime, task)) return {};
  task.is_begun = true;
  if (task.may_move) task.forget_spare();
  if (!task.in_rows) return arguments_.call(callable.get());
  return task.lane == Lane::kLoops ? call_rows_in_loop(runtime, task, std::move(callable))
                                   : call_rows(runtime, task, std::move(callable));
}

bool Caller::enter_context(codec::Runtime& runtime, Task& task) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._context"));
  const py::Ref values = module ? codec::decode_value(runtime, *task.context, "context variables") : py::Ref();
  task.context.reset();
  if (values && !base_) keep_context();
  if (!values || !base_) return false;
  py::Ref context = py::Ref::steal(PyObject_CallMethod(module.get(), "make", "OO", base_.get(), values.get()));
  if (!context || PyContext_Enter(context.get()) < 0) return false;
  context_ = std::move(context);
  return true;
}

void Caller::leave_context() {
  if (!context_) return;
  py::Ref error = py::take_exception();
  PyContext_Exit(context_.get());
  context_.reset();
  py::restore_exception(std::move(error));
}

void encode_outcome(codec::Runtime& runtime, py::Interruptible& interruptible, Task& task, const py::Ref& result) {
  // relaxed: if it is forgotten a moment later, nobody reads the result.
  if (task.is_forgotten.load(std::memory_order_relaxed)) {
    PyErr_Clear();
    task.message.clear();
    task.outcome = Task::Outcome::kNone;
    return interruptible.end();
  }
  const bool has_value =
      result && py::guarded(false, [&] { return codec::encode_value(runtime, result.get(), task.message); });
  task.outcome = has_value ? Task::Outcome::kValue : Task::Outcome::kException;
  if (!has_value) {
    interruptible.wind_up();
    task.message.clear();
    try {
      codec::encode_exception(runtime, task.message);
    } catch (const std::bad_alloc&) {
      PyErr_Clear();
      task.message.clear();
      task.outcome = Task::Outcome::kNoMemory;
    }
  }
  interruptible.end();
}

void note_refusal(Task& task) noexcept {
  task.is_refused = task.may_move && !task.is_begun && !task.interrupted() && py::is_ordinary_exception();
}

bool has_shared_outcome(const Task& task) noexcept { return codec::has_own_memory(task.message); }

void settle_outcome(const codec::Runtime& runtime, Task& task) {
  try {
    codec::settle_own_memory(runtime, task.message);
  } catch (const std::bad_alloc&) {
    task.message.clear();
    task.outcome = Task::Outcome::kNoMemory;
  }
}

void Caller::clear() {
  arguments_.clear();
  callables_.clear();
  base_.reset();
}

}  // namespace aiointerpreters::pool
