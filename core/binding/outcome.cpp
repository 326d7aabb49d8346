// See outcome.h.
#include "binding/outcome.h"

#include "binding/home_task.h"
#include "binding/words.h"
#include "codec/codec.h"
#include "codec/import_hint.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

py::Ref own_outcome(const pool::Task& task) { return py::Ref::borrow(static_cast<const HomeTask&>(task).own_outcome()); }

// The result of a task that has one. Returns new; null with an exception set.
py::Ref rebuild_result(ModuleState& home, const pool::Task& task) {
  if (task.outcome == pool::Task::Outcome::kOwnValue) return own_outcome(task);
  return codec::decode_value(home.runtime, task.message, "result");
}

// The exception of an interrupted task: TaskInterrupted as it was raised in the task, if it came through. If another
// exception came instead, that one becomes its context. Returns new; null with an exception set.
py::Ref rebuild_interrupt(ModuleState& home, const pool::Task& task) {
  PyObject* const type = home.runtime.task_interrupted.get();
  py::Ref raised;
  if (task.outcome == pool::Task::Outcome::kException) {
    raised = codec::decode_exception(home.runtime, task.message);
    if (raised && PyObject_TypeCheck(raised.get(), reinterpret_cast<PyTypeObject*>(type)) != 0) return raised;
    PyErr_Clear();
  } else if (task.outcome == pool::Task::Outcome::kOwnError) {
    raised = own_outcome(task);
    if (PyObject_TypeCheck(raised.get(), reinterpret_cast<PyTypeObject*>(type)) != 0) return raised;
  }
  py::Ref error = py::Ref::steal(PyObject_CallNoArgs(type));
  if (error && raised) PyException_SetContext(error.get(), raised.release());
  return error;
}

// The exception of a task without a result. Returns new; null with an exception set.
py::Ref rebuild_failure(ModuleState& home, const pool::Task& task) {
  if (task.interrupted()) return rebuild_interrupt(home, task);
  switch (task.outcome) {
    case pool::Task::Outcome::kException:
      return codec::decode_exception(home.runtime, task.message);
    case pool::Task::Outcome::kOwnError:
      return own_outcome(task);
    case pool::Task::Outcome::kBroken:
      return broken_pool_exception(home, *task.breakage);
    default:
      PyErr_NoMemory();
      return {};
  }
}

}  // namespace

bool has_failed(const pool::Task& task) noexcept {
  using Outcome = pool::Task::Outcome;
  return task.interrupted() || (task.outcome != Outcome::kValue && task.outcome != Outcome::kOwnValue);
}

bool decodes_by_python(const pool::Task& task) noexcept {
  return has_failed(task) || task.message.form != codec::Message::Form::kNative;
}

Decoded decode_outcome(ModuleState& home, const pool::Task& task) {
  Decoded outcome;
  if (!hear(home)) return outcome;
  outcome.failed = has_failed(task);
  outcome.object = outcome.failed ? rebuild_failure(home, task) : rebuild_result(home, task);
  if (outcome.object) return outcome;
  // These exceptions come from outside and would have hit any other code here too. All others come from the result itself.
  if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0 ||
      PyErr_ExceptionMatches(home.runtime.task_interrupted.get()) != 0) {
    return outcome;
  }
  if (!outcome.failed)
    codec::raise_interpreter_error(home.runtime,
                                   "the result could not be rebuilt in the interpreter that submitted the call");
  outcome.object = py::take_exception();
  outcome.failed = true;
  return outcome;
}

py::Ref broken_pool_exception(ModuleState& home, const pool::Breakage& breakage) {
  py::Ref error = py::Ref::steal(PyObject_CallFunction(home.broken_pool_error.get(), "s", breakage.reason.c_str()));
  if (error && breakage.cause.form != codec::Message::Form::kEmpty) {
    PyException_SetCause(error.get(), codec::decode_exception(home.runtime, breakage.cause).release());
  }
  return error;
}

}  // namespace aiointerpreters::binding
