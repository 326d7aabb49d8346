// The parts of a log record that a worker sends home: attributes of a LogRecord, in the order in which the word has them
// (pool/relay.h). Python code asks `_core.record_fields` for them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string_view>

#include "py/python.h"

namespace aiointerpreters::binding {

constexpr std::array kRecordFields{"name",    "levelno", "pathname", "lineno",     "msg",      "args",     "funcName",
                                   "created", "msecs",   "thread",   "threadName", "taskName", "exc_text", "stack_info"};

// The place of a field, whose name is checked by the compiler.
consteval Py_ssize_t record_field(std::string_view name) {
  const auto* const found = std::ranges::find(kRecordFields, name);
  return found == kRecordFields.end() ? throw std::out_of_range("no such field") : found - kRecordFields.begin();
}

}  // namespace aiointerpreters::binding
