// Submission: the arguments of submit as one call: the callable, its arguments, and whether it is tagged. functools.partial
// objects that contain a tag are unwrapped, and so are static methods, operator.call, the
// partial(Context.run, tagged, ...) from asyncio.to_thread, and functions that only pass their call on to a tag
// (passed_call.h). The function inside then crosses by reference, and the arguments of the partial like all others.
// Requires: attached to home. Owner: one submit.
#pragma once

#include "binding/module_state.h"
#include "binding/python_call.h"
#include "binding/tag_type.h"
#include "codec/callable_ref.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class Submission {
 public:
  // Borrows all arguments for the lifetime of the Submission.
  Submission(PyObject* fn, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) noexcept
      : fn_(fn), args_(args), nargs_(nargs), kwnames_(kwnames) {}

  // Looks for the tag and unwraps the objects around it. A call without a tag stays as it is, unless `untagged` is true:
  // then it runs in an interpreter too, and what a coroutine function returns is awaited.
  // Runs no Python for a plain tag or a plain function. Errors: false with an exception set.
  [[nodiscard]] bool open(ModuleState& state, bool untagged = false);

  // Unwraps only the tag itself. Requires: the callable is a tag.
  void take_tag() noexcept { take_tag(fn_, tagged_callable(fn_)); }

  [[nodiscard]] bool tagged() const noexcept { return tag_ != nullptr; }
  // As the outermost of its tags says that says anything.
  [[nodiscard]] Routing routing() const noexcept { return routing_; }
  // Describes the callable for workers. Runs Python. Errors: null with an exception set.
  [[nodiscard]] codec::CallablePtr describe(ModuleState& state) const;

  // The contextvars.Context of an unwrapped partial(Context.run, ...); null if there was none. Borrows.
  [[nodiscard]] PyObject* context() const noexcept { return context_.get(); }
  // The context variables that its tags have declared; null: none. Borrows.
  [[nodiscard]] PyObject* declared_context() const noexcept { return declared_context_; }
  [[nodiscard]] PyObject* fn() const noexcept { return fn_; }
  [[nodiscard]] PyObject* const* args() const noexcept { return args_; }
  [[nodiscard]] Py_ssize_t nargs() const noexcept { return nargs_; }
  [[nodiscard]] PyObject* kwnames() const noexcept { return kwnames_; }

 private:
  enum class Step { kOpened, kInnermost, kFailed };
  // Opens one object after the other, functions too if `functions_too` is true.
  [[nodiscard]] Step open_all(ModuleState& state, bool functions_too);
  [[nodiscard]] Step open_one(ModuleState& state, bool functions_too);
  [[nodiscard]] Step open_partial(const ModuleState& state);
  // A function, a bound method of one, or an object whose class has one as `__call__`.
  [[nodiscard]] Step open_function(ModuleState& state, const PythonCall& object);
  [[nodiscard]] bool prepend(PyObject* args, PyObject* keywords, PyObject* placeholder);
  void take_tag(PyObject* tag, PyObject* inner) noexcept;
  // For a tag that only this object may keep.
  void keep_tag(PyObject* tag) noexcept;
  void set_fn(py::Ref fn) noexcept;
  // A tuple of the arguments, those of keywords last, and a tuple of the keywords, which may be null or empty.
  void set_arguments(py::Ref arguments, py::Ref names) noexcept;

  PyObject* fn_;
  PyObject* const* args_;
  Py_ssize_t nargs_;
  PyObject* kwnames_;
  PyObject* tag_ = nullptr;               // the innermost tag; borrowed from the arguments or from kept_tag_
  PyObject* declared_context_ = nullptr;  // from the outermost tag, which includes those of inner tags; borrowed
  int passes_ = 0;                        // how many functions were opened
  Routing routing_;
  py::Ref context_;
  py::Ref kept_fn_;
  py::Ref kept_tag_;
  py::Ref kept_declared_;
  py::Ref kept_args_;  // owns the arguments in args_ after a partial was unwrapped: positional, then keyword values
  py::Ref kept_kwnames_;
};

}  // namespace aiointerpreters::binding
