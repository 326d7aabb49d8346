// Routing: where the calls of a function may run, as its tag or its executor says (docs/fallback.md).
// Plain data. Thread: any.
#pragma once

#include <cstdint>

#include "py/python.h"

namespace aiointerpreters::binding {

// What happens to calls that no interpreter can run.
enum class Fallback : std::uint8_t {
  kUnset,    // the executor decides; for an executor: kError
  kError,    // they raise the reason
  kThread,   // they run in a thread of home
  kProcess,  // they run in another process
};

struct Routing {
  Fallback fallback = Fallback::kUnset;
  bool in_process = false;  // all calls run in other processes

  [[nodiscard]] bool is_set() const noexcept { return fallback != Fallback::kUnset || in_process; }
  // The same, with the executor's fallback if nothing else is chosen.
  [[nodiscard]] Routing or_else(Fallback executors) const noexcept { return is_set() ? *this : Routing{executors, false}; }
  // Whether calls may run elsewhere than in an interpreter.
  [[nodiscard]] bool is_flexible() const noexcept { return fallback > Fallback::kError || in_process; }
};

// Reads the argument `fallback`: None, "error", "thread" or "process". False with TypeError or ValueError set.
[[nodiscard]] bool read_fallback(PyObject* value, Fallback& fallback);
// Reads the argument `lane`: None, "interpreter" or "process".
[[nodiscard]] bool read_lane(PyObject* value, bool& in_process);
// The argument that has this meaning. Null: None.
[[nodiscard]] const char* fallback_name(Fallback fallback) noexcept;

}  // namespace aiointerpreters::binding
