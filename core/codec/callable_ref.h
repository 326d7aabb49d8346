// CallableRef: how a function is named to a worker, plain data; and the worker's cache of the functions found by it.
//
// A function crosses by reference where its module and qualified name lead back to it, else by value with cloudpickle; other
// callables cross by value, as pickle gives them (section 9 of the hazards).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Immutable after it is made. Owner: home's table, the tasks that name it. Thread: any.
struct CallableRef {
  // Never used twice in a process. kUncached: the worker loads it anew for every task, because it carries state.
  std::uint64_t id = kUncached;
  static constexpr std::uint64_t kUncached = 0;

  std::string module;    // by reference: where to import it from; empty if by value
  std::string qualname;  // by reference: the attributes to follow
  Message value;         // by value
  bool needs_main = false;
};
using CallablePtr = std::shared_ptr<const CallableRef>;

// Home's table: one CallableRef per function object, as long as that object lives.
// Requires: attached to home.
class CallableTable {
 public:
  // Describes `callable`; a function is looked up at most once, by value it is captured anew at each call.
  // Runs Python. Errors: null with NotTransferableError (or what pickling raised) set.
  [[nodiscard]] CallablePtr describe(Runtime& runtime, PyObject* callable);

 private:
  struct Entry {
    py::Ref weak;  // tells whether the object at that address is still the same
    CallablePtr ref;
  };
  [[nodiscard]] CallablePtr find(PyObject* callable) const;
  void remember(PyObject* callable, const CallablePtr& ref);

  std::unordered_map<PyObject*, Entry> entries_;
  std::size_t sweep_at_ = 64;  // entries of dead objects are dropped when the table has grown to this size
};

// Finds or loads the callable, with any tag taken off. Requires: attached to the worker's interpreter. Runs Python.
// Returns new. Errors: null with InterpreterError set, whose cause is what the import or the unpickling raised.
[[nodiscard]] py::Ref load_callable(Runtime& runtime, const CallableRef& ref);

// A worker's functions by id.
// Requires: attached to the worker's interpreter.
class CallableCache {
 public:
  // The callable that `ref` names. Returns borrowed from the cache, or from `uncached`, which the caller provides.
  // Runs Python. Errors: as load_callable.
  [[nodiscard]] PyObject* find(Runtime& runtime, std::uint64_t id, const CallablePtr& ref, py::Ref& uncached);
  void clear();

 private:
  struct Entry {
    py::Ref callable;
    std::weak_ptr<const CallableRef> ref;  // expired: home has forgotten it, it cannot be asked for again
  };
  PyObject* remember(std::uint64_t id, const CallablePtr& ref, py::Ref callable);

  std::unordered_map<std::uint64_t, Entry> entries_;
  std::uint64_t last_id_ = CallableRef::kUncached;  // the most recent hit, to spare the look-up in a run of equal calls
  PyObject* last_ = nullptr;                        // borrowed from entries_
  std::size_t sweep_at_ = 64;
};

}  // namespace aiointerpreters::codec
