// Two values that two threads write at the same time should not share a cache line, because each write would take the line
// away from the other processor. (std::hardware_destructive_interference_size is not used: it may differ between two files
// of one program, and gcc warns about that.)
// Thread: none of its own.
#pragma once

#include <cstddef>

namespace aiointerpreters::base {

inline constexpr std::size_t kCacheLine = 64;

// A value on a cache line, or several, of its own.
template <typename Value>
struct alignas(kCacheLine) OwnLine {
  Value value{};

  Value& operator*() noexcept { return value; }
  const Value& operator*() const noexcept { return value; }
  Value* operator->() noexcept { return &value; }
  const Value* operator->() const noexcept { return &value; }
};

}  // namespace aiointerpreters::base
