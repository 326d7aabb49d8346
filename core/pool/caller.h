// Caller: finds the callable of a task, decodes its arguments and calls it, in the interpreter of a worker.
// Requires: attached to that interpreter, for every use. Owner, thread: the one that runs tasks there; each has its own.
#pragma once

#include "codec/callable_cache.h"
#include "codec/codec.h"
#include "codec/runtime.h"
#include "pool/task.h"
#include "py/ref.h"

namespace aiointerpreters::pool {

class Caller {
 public:
  Caller() noexcept = default;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // Returns new: what the callable has returned. Up to `leave_context` its context is the current one. Runs Python.
  // Errors: null with what it, or the way to it, has raised set.
  [[nodiscard]] py::Ref call(codec::Runtime& runtime, Task& task);
  // To be called after each call, once its context is not needed any more. An exception that is set stays so. Runs Python.
  void leave_context();
  // What calls with context variables find else is what is set now, whatever other calls set later.
  void keep_context() { base_ = py::Ref::steal(PyContext_CopyCurrent()); }
  // Whether `is_such(argument)` holds for all arguments that have not been dropped.
  template <typename IsSuch>
  [[nodiscard]] bool arguments_are(IsSuch&& is_such) const {
    return arguments_.all(is_such);
  }
  // Drops the arguments. Runs Python.
  void drop_arguments() { arguments_.clear(); }
  // Drops all callables, too. Runs Python.
  void clear();

  [[nodiscard]] py::Ref find(codec::Runtime& runtime, std::uint64_t id, const codec::CallablePtr& ref);

 private:
  [[nodiscard]] bool enter_context(codec::Runtime& runtime, Task& task);

  codec::CallableCache callables_;
  codec::CallArguments arguments_;
  py::Ref base_;     // of the contexts of such calls
  py::Ref context_;  // that was entered for the call, because it carries variables
};

// Writes into the task what it has come to, the result or, null, the exception that is set, and ends what `interruptible`
// has begun for it. Where there is no memory even for that, it says so. Requires: attached. Runs Python.
void encode_outcome(codec::Runtime& runtime, py::Interruptible& interruptible, Task& task, const py::Ref& result);

// Whether memory of the worker's arrays is part of what the task has come to.
[[nodiscard]] bool has_shared_outcome(const Task& task) noexcept;
// For such a task, once the worker has dropped what it has encoded: what it has kept of that memory all the same is copied.
// Where there is no memory for that, the outcome says so. Requires: attached.
void settle_outcome(const codec::Runtime& runtime, Task& task);

}  // namespace aiointerpreters::pool
