// CodeFacts: what the code of a function by value looks like in a message, and which globals it uses. It never changes.
// Requires: attached to home, for every use. Owner: home's CodeTable, and the function graphs that use it.
#pragma once

#include <memory>
#include <vector>

#include "codec/weak_table.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

struct CodeFacts {
  std::vector<py::Ref> pieces;   // its marshalled bytes; short ones, because large bytes would be attached to the message
  std::vector<py::Ref> globals;  // the names that it or nested code uses, each once
  bool is_typed = false;         // at a prompt, or in another place that is no file
};
using CodeFactsPtr = std::shared_ptr<const CodeFacts>;

class CodeTable {
 public:
  // Errors: null with an exception set, ValueError if the code cannot be marshalled; std::bad_alloc.
  [[nodiscard]] CodeFactsPtr facts(PyObject* code);

 private:
  WeakTable<CodeFactsPtr> table_;
};

}  // namespace aiointerpreters::codec
