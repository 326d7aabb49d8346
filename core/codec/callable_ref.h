// CallableRef: identifies a callable to a worker, as plain data.
//
// A function crosses by reference if its module and qualified name lead to this very function; otherwise by value, as a
// recipe (recipe.h) or with cloudpickle. Other callables cross by value, as pickle writes them (hazard 31).
// Owner: home's table, and the tasks that use it. It never changes. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "codec/message.h"

namespace aiointerpreters::codec {

struct CallableRef {
  static constexpr std::uint64_t kUncached = 0;

  // Never used twice in a process. kUncached: workers load the callable for every task, because it may have state.
  std::uint64_t id = kUncached;
  std::string module;                // by reference: where to import it from; empty if by value
  std::string qualname;              // by reference: the attributes to follow; by value: shown in messages, if it has one
  std::uint32_t module_version = 0;  // by reference: of that module (module_versions.h)
  Message value;                     // by value
  bool is_recipe = false;            // by value: a recipe
  // By value: no call can change what it is made of. It refers only to values that never change, to what has a name, and to
  // functions of the same kind, which it only calls; and its code assigns to nothing that outlives a call.
  bool is_constant = false;
  bool needs_main = false;
  bool is_coroutine_function = false;

  // The limit on pickles of dead functions that are kept until the next sweep.
  static constexpr std::size_t kSweepBytes = std::size_t{1} << 20;

  [[nodiscard]] bool by_reference() const noexcept { return !module.empty(); }
};
using CallablePtr = std::shared_ptr<const CallableRef>;

}  // namespace aiointerpreters::codec
