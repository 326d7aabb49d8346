// CallableTable: home's CallableRefs, one for each function object while that object lives.
// Requires: attached to home, for every use. Owner: home's module state.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "codec/callable_ref.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Like inspect.iscoroutinefunction, with two differences. Callables that are only marked as coroutine functions do not
// count. Objects whose class defines `async def __call__` do. Runs Python. Errors: none.
[[nodiscard]] bool is_coroutine_function(const Runtime& runtime, PyObject* callable);

class CallableTable {
 public:
  // Describes `callable`. A function is looked up at most once. A callable that crosses by value is pickled at each call.
  // Runs Python. Errors: null with NotTransferableError (or the exception that pickling raised) set.
  [[nodiscard]] CallablePtr describe(Runtime& runtime, PyObject* callable);

 private:
  struct Entry {
    py::Ref weak;  // tells whether the object at that address is still the same
    CallablePtr ref;
  };
  [[nodiscard]] CallablePtr find(PyObject* callable) const;
  void remember(PyObject* callable, const CallablePtr& ref);

  std::unordered_map<PyObject*, Entry> entries_;
  // Entries of dead functions are dropped when this many, or this many bytes of pickles, have accumulated.
  std::size_t sweep_at_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace aiointerpreters::codec
