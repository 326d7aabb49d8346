// CallableTable: home's CallableRefs, one for each function object while that object lives.
// Requires: attached to home, for every use. Owner: home's module state.
#pragma once

#include <memory>

#include "codec/callable_ref.h"
#include "codec/code_facts.h"
#include "codec/function_graph.h"
#include "codec/runtime.h"
#include "codec/weak_table.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Like inspect.iscoroutinefunction, with two differences. Callables that are only marked as coroutine functions do not
// count. Objects whose class defines `async def __call__` do. Runs Python. Errors: none.
[[nodiscard]] bool is_coroutine_function(const Runtime& runtime, PyObject* callable);

class CallableTable {
 public:
  // Describes `callable`. A function that crosses by name is looked up once. A function that crosses by value is described
  // again only if anything that it refers to has changed, or may have changed. Other callables are pickled at each call.
  // Runs Python. Errors: null with NotTransferableError (or the exception that pickling raised) set; std::bad_alloc.
  // Requires: the runtime knows what home's `__main__` is now.
  [[nodiscard]] CallablePtr describe(Runtime& runtime, PyObject* callable);
  // What is known of a callable that crosses by name; null: nothing.
  [[nodiscard]] CallablePtr known_by_name(PyObject* callable) {
    const Entry* const entry = entries_.find(callable);
    return entry != nullptr && entry->ref->by_reference() ? entry->ref : nullptr;
  }

 private:
  struct Entry {
    CallablePtr ref;
    std::shared_ptr<const FunctionGraph> graph;  // null: not known whether it has changed
  };
  // Describes a callable that crosses by value. `known` is what the table has of it.
  [[nodiscard]] CallablePtr describe_value(Runtime& runtime, PyObject* callable, const Entry& known,
                                           std::shared_ptr<CallableRef> ref);
  // Whether cloudpickle has been told to send functions of some module by value. Recipes do not know of that.
  [[nodiscard]] bool is_cloudpickle_configured();

  WeakTable<Entry> entries_;
  CodeTable codes_;
  py::Ref by_value_modules_;  // cloudpickle's set of these modules, once cloudpickle has been imported
};

}  // namespace aiointerpreters::codec
