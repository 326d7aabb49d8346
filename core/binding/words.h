// Words of workers (pool/relay.h): how a worker's interpreter posts them, and how home handles them.
// Requires: attached. Runs Python.
#pragma once

#include <memory>

#include "binding/module_state.h"
#include "codec/runtime.h"
#include "pool/relay.h"

namespace aiointerpreters::binding {

// What a pool's interpreters send home, as its creator asks for it: bits.
constexpr int kForwardsLogging = 1;
constexpr int kForwardsOutput = 2;

// Home's relay; created when it is first needed. Errors: std::bad_alloc.
[[nodiscard]] const std::shared_ptr<pool::Relay>& relay_of(ModuleState& home);

// Handles the words of calls whose end this thread has seen. Errors: false with an exception set, as Relay::flush.
[[nodiscard]] inline bool hear(const ModuleState& home) {
  return !home.relay || !home.relay->has_words() || home.relay->flush();
}

// Ends the relay's thread when everything is handled, and handles what is left. Blocks: detached. Errors: false with an
// exception set.
[[nodiscard]] bool finish_words(ModuleState& home);
// The same for the relay of another interpreter, without handling what is left.
[[nodiscard]] bool wait_for_words(ModuleState& home, pool::Relay& relay);

// Adds the functions that workers post words by. False with an exception set.
[[nodiscard]] bool add_words_functions(PyObject* module);

}  // namespace aiointerpreters::binding
