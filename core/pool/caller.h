// Caller: finds the callable of a task, decodes its arguments and calls it, in the interpreter of a worker.
// Requires: attached to that interpreter, for every use. Owner, thread: the thread that runs tasks there; each has its own.
#pragma once

#include "codec/callable_cache.h"
#include "codec/codec.h"
#include "codec/runtime.h"
#include "pool/task.h"
#include "py/ref.h"

namespace aiointerpreters::pool {

class Caller {
 public:
  // `calls_overlap`: calls may begin while others have not ended, as in an event loop.
  explicit Caller(bool calls_overlap) noexcept : callables_(calls_overlap) {}
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // Returns new: the result of the callable. Its context stays entered until `leave_context`. Runs Python. Errors: null
  // with the exception set that the callable, or preparing the call, has raised.
  [[nodiscard]] py::Ref call(codec::Runtime& runtime, Task& task);
  // Call it after each call, when its context is no longer needed. An exception that is set stays set. Runs Python.
  void leave_context();
  // From now on, calls with context variables start from the current values of all other variables, whatever other calls
  // set later.
  void keep_context() { base_ = py::Ref::steal(PyContext_CopyCurrent()); }
  // Whether `is_such(argument)` is true for all arguments that have not been dropped.
  template <typename IsSuch>
  [[nodiscard]] bool arguments_are(IsSuch&& is_such) const {
    return arguments_.all(is_such);
  }
  // Drops the arguments. Runs Python.
  void drop_arguments() { arguments_.clear(); }
  // Drops all callables too. Runs Python.
  void clear();

  [[nodiscard]] py::Ref find(codec::Runtime& runtime, std::uint64_t id, const codec::CallablePtr& ref);

 private:
  [[nodiscard]] py::Ref call_rows(codec::Runtime& runtime, const Task& task, py::Ref callable);
  [[nodiscard]] py::Ref call_rows_in_loop(codec::Runtime& runtime, const Task& task, py::Ref callable);
  [[nodiscard]] bool enter_context(codec::Runtime& runtime, Task& task);

  codec::CallableCache callables_;
  codec::CallArguments arguments_;
  py::Ref base_;     // the base of the contexts of calls with variables
  py::Ref context_;  // entered for a call that carries variables
};

// Writes the outcome into the task: the result, or if it is null, the exception that is set. Ends the stretch that
// `interruptible` has begun for the task. If there is no memory for the outcome, it says so. Requires: attached. Runs
// Python.
void encode_outcome(codec::Runtime& runtime, py::Interruptible& interruptible, Task& task, const py::Ref& result);

// For a call that has failed with the exception that is set: notes that it has to run elsewhere, if its callable has not
// been called and the task may move. Requires: attached.
void note_refusal(Task& task) noexcept;

// Whether memory of the worker's arrays is part of the outcome.
[[nodiscard]] bool has_shared_outcome(const Task& task) noexcept;
// For such a task, after the worker has dropped the objects that it has encoded: copies memory that code in the worker
// still uses. If there is no memory for that, the outcome says so. Requires: attached.
void settle_outcome(const codec::Runtime& runtime, Task& task);

}  // namespace aiointerpreters::pool
