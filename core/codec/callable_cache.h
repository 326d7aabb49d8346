// CallableCache: a worker's callables, by id. Each is looked up or loaded when it is first needed. A function by value is
// loaded again if a call has changed what it is made of, so that each call starts from what home has.
// Requires: attached to the worker's interpreter, for every use. Owner: the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "codec/callable_ref.h"
#include "codec/callable_state.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class CallableCache {
 public:
  // `calls_overlap`: calls may begin while others have not ended, as in an event loop.
  explicit CallableCache(bool calls_overlap) noexcept : calls_overlap_(calls_overlap) {}

  // The callable that `ref` names, for one call. Returns a reference borrowed from the cache, or from `uncached`, which the
  // caller provides.
  // Runs Python. Errors: null with InterpreterError set; std::bad_alloc.
  [[nodiscard]] PyObject* find(Runtime& runtime, std::uint64_t id, const CallablePtr& ref, py::Ref& uncached);
  void clear();

 private:
  struct Entry {
    py::Ref callable;
    std::weak_ptr<const CallableRef> ref;  // expired: home has forgotten it, so nothing will ask for it again
    CallableState state;                   // by value
    std::vector<py::Ref> codes;            // of a recipe (recipe.h)
    py::Ref caches;                        // by value, no recipe: a list of the cached functions in it; they are kept
    bool is_constant = false;              // by name, or no call can change it
  };
  [[nodiscard]] bool is_fresh(const Entry& entry) const noexcept {
    return entry.is_constant ||
           (entry.state.is_known() && !(calls_overlap_ && entry.state.is_shared()) && entry.state.is_unchanged());
  }
  [[nodiscard]] bool load(Runtime& runtime, const CallableRef& ref, Entry& entry);
  PyObject* remember(std::uint64_t id, const CallablePtr& ref, Entry entry);

  std::unordered_map<std::uint64_t, Entry> entries_;
  std::uint64_t last_id_ = CallableRef::kUncached;  // the most recent hit: saves the look-up in a series of equal calls
  Entry* last_ = nullptr;                           // of entries_
  // Entries of dead functions are dropped when this many, or this many bytes of pickles, have accumulated.
  std::size_t sweep_at_ = 0;
  std::size_t bytes_ = 0;
  const bool calls_overlap_;
};

}  // namespace aiointerpreters::codec
