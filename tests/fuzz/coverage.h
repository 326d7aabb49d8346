// Which ways through the decoder have been taken since the process started. Thread: one.
#pragma once

#include <cstddef>

namespace aiointerpreters::fuzz {

// The number of different short sequences of basic blocks.
[[nodiscard]] std::size_t paths_seen() noexcept;

}  // namespace aiointerpreters::fuzz
