// ContextCopy: a scope whose code runs in a copy of a context (contextvars). Its changes to the context are gone afterwards.
// Owner: a scope. Requires: attached, to one interpreter from begin to end. Errors: none; if there is no memory, the code
// runs in the current context. An exception that is set at the end stays set.
#pragma once

#include <utility>

#include "py/error.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

class ContextCopy {
 public:
  // Borrows. Null: there is nothing to do.
  explicit ContextCopy(PyObject* context)
      : copy_(context != nullptr ? Ref::steal(PyContext_Copy(context)) : Ref()),
        entered_(copy_ && PyContext_Enter(copy_.get()) == 0) {
    if (context != nullptr && !entered_) PyErr_Clear();
  }
  ContextCopy(const ContextCopy&) = delete;
  ContextCopy& operator=(const ContextCopy&) = delete;
  ~ContextCopy() {
    if (!entered_) return;
    Ref error = take_exception();
    if (PyContext_Exit(copy_.get()) < 0) PyErr_Clear();
    if (error) restore_exception(std::move(error));
  }

 private:
  const Ref copy_;
  const bool entered_;
};

}  // namespace aiointerpreters::py
