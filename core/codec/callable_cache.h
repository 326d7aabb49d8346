// CallableCache: a worker's callables, by id. Each is looked up or loaded when it is first needed.
// Requires: attached to the worker's interpreter, for every use. Owner: the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "codec/callable_ref.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class CallableCache {
 public:
  // The callable that `ref` names. Returns a reference borrowed from the cache, or from `uncached`, which the caller
  // provides.
  // Runs Python. Errors: as load_callable.
  [[nodiscard]] PyObject* find(Runtime& runtime, std::uint64_t id, const CallablePtr& ref, py::Ref& uncached);
  void clear();

 private:
  struct Entry {
    py::Ref callable;
    std::weak_ptr<const CallableRef> ref;  // expired: home has forgotten it, so nothing will ask for it again
  };
  PyObject* remember(std::uint64_t id, const CallablePtr& ref, py::Ref callable);

  std::unordered_map<std::uint64_t, Entry> entries_;
  std::uint64_t last_id_ = CallableRef::kUncached;  // the most recent hit: saves the look-up in a series of equal calls
  PyObject* last_ = nullptr;                        // borrowed from entries_
  // Entries of dead functions are dropped when this many, or this many bytes of pickles, have accumulated.
  std::size_t sweep_at_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace aiointerpreters::codec
