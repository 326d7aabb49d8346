// PoolOptions: the settings of a pool, and functions of the layers above that it calls. It never changes once the pool
// exists.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "codec/callable_ref.h"
#include "codec/message.h"
#include "extensions/copy_store.h"

namespace aiointerpreters::codec {
struct Runtime;
}

namespace aiointerpreters::pool {

class Relay;
struct Breakage;

struct PoolOptions {
  std::size_t max_workers = 1;
  std::size_t max_interpreters = 1;
  // That many interpreters are made before calls need them, as soon as there are threads for them.
  std::size_t min_interpreters = 0;
  // The number of forks that lead to this process, as far as this package has noticed. It belongs to home, so read it
  // attached.
  const unsigned* forks = nullptr;
  // Creates `_core` in a new interpreter. Requires: attached to it. Returns null with a Python exception set.
  codec::Runtime* (*enter_interpreter)() = nullptr;
  // Finds home's runtime. Requires: attached to home. Returns null with a Python exception set.
  codec::Runtime* (*find_home)() = nullptr;
  // Has a warning written to this package's log soon, on a thread that nobody waits for (reporter.h). Thread: any. Blocks:
  // no.
  std::function<void(std::string text)> log_warning;
  // Reports that the code which prepares new interpreters has failed: `title`, and the exception. Requires: attached to
  // home. Runs Python.
  void (*log_failure)(const char* title, const Breakage& breakage) = nullptr;
  // The store of private copies of extension modules (core/extensions). Null: interpreters load no private copies.
  std::shared_ptr<extensions::CopyStore> copies;
  // Modules that each new interpreter imports, in this order, before it runs the initializer. "__main__": home's script.
  std::vector<std::string> preload;
  // Brings what interpreters say to home: log records and warnings, their output, or both. Null: neither.
  std::shared_ptr<Relay> relay;
  bool relays_logging = false;
  bool relays_output = false;
  // Runs once in each new interpreter, unless it is null. `initializer_message` holds its arguments.
  codec::CallablePtr initializer;
  codec::Message initializer_message;
};

}  // namespace aiointerpreters::pool
