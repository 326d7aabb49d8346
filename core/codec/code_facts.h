// CodeFacts: what the code of a function by value looks like in a message, and which globals it uses. It never changes.
// Requires: attached to home, for every use. Owner: home's CodeTable, and the function graphs that use it.
#pragma once

#include <memory>
#include <vector>

#include "codec/runtime.h"
#include "codec/weak_table.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

struct CodeFacts {
  std::vector<py::Ref> pieces;   // its marshalled bytes; short ones, because large bytes would be attached to the message
  std::vector<py::Ref> globals;  // the names that it or nested code uses, each once
  // Names of globals and of variables around it, each once, whose values it or nested code uses otherwise than by a call.
  std::vector<py::Ref> not_only_called;
  bool stores = false;  // see py::stores_outside
};
using CodeFactsPtr = std::shared_ptr<const CodeFacts>;

// Whether the code of a function of `__main__` is not in the script that a worker would run: it was typed at a prompt, or
// compiled with the name of a file that does not exist, as tools do with the cells of notebooks.
[[nodiscard]] bool is_beside_script(const Runtime& runtime, PyObject* code);

class CodeTable {
 public:
  // Errors: null with an exception set, ValueError if the code cannot be marshalled; std::bad_alloc.
  [[nodiscard]] CodeFactsPtr facts(PyObject* code);

 private:
  WeakTable<CodeFactsPtr> table_;
};

}  // namespace aiointerpreters::codec
