// A Python call stack as plain data. It refers to no Python object, so it may leave the interpreter and outlive it.
// Owner: whoever has made it (py/call_stack.h). Thread: one at a time.
#pragma once

#include <string>
#include <vector>

namespace aiointerpreters::base {

// One frame: what a traceback prints of it. The texts are UTF-8; lone surrogates are encoded too ("surrogatepass").
struct FrameLine {
  std::string file;
  std::string function;  // its qualified name
  int line = 0;          // 0: not known
};

// The most recent call comes last.
using CallStack = std::vector<FrameLine>;

}  // namespace aiointerpreters::base
