// PoolOptions: the settings of a pool, and its way to functions of the layers above. Immutable once the pool exists.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "codec/callable_ref.h"
#include "codec/message.h"
#include "extensions/copy_store.h"

namespace aiointerpreters::codec {
struct Runtime;
}

namespace aiointerpreters::pool {

struct Breakage;

struct PoolOptions {
  std::size_t max_workers = 1;
  std::size_t max_interpreters = 1;
  // How often this process has been forked from another one, as far as the package knows.
  // Home's, and so it is read: attached.
  const unsigned* forks = nullptr;
  // Makes `_core`'s state in a new interpreter. Requires: attached to it. Returns null with a Python exception set.
  codec::Runtime* (*enter_interpreter)() = nullptr;
  // Finds home's again. Requires: attached to home. Returns null with a Python exception set.
  codec::Runtime* (*find_home)() = nullptr;
  // Makes a thread that nobody waits for write a warning to the package's log soon (reporter.h). Thread: any. Blocks: no.
  std::function<void(std::string text)> log_warning;
  // Reports that the initializer has failed, as the standard library does. Requires: attached to home. Runs Python.
  void (*log_initializer_failure)(const Breakage& breakage) = nullptr;
  // The store of the extension modules that interpreters load as private copies (core/extensions). Null: they load none.
  std::shared_ptr<extensions::CopyStore> copies;
  // Runs once in each new interpreter, if there is one; `initializer_message` holds its arguments.
  codec::CallablePtr initializer;
  codec::Message initializer_message;
};

}  // namespace aiointerpreters::pool
