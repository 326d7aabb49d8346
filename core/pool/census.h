// Census: the present figures of a pool, for display.
#pragma once

#include <cstddef>

namespace aiointerpreters::pool {

struct Census {
  std::size_t threads;
  std::size_t busy;  // of them
  std::size_t interpreters;
  std::size_t queued;
};

}  // namespace aiointerpreters::pool
