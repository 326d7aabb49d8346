// A Python call stack as plain data.
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
