// A clock that is cheap to read and precise to a few milliseconds. It tells how long calls have been running.
// Thread: any.
#pragma once

#include <chrono>
#include <cstdint>
#if defined(__linux__)
#include <ctime>
#endif

namespace aiointerpreters::base {

// Milliseconds since an unspecified moment, modulo 2^32. Only differences mean anything, up to 24 days.
[[nodiscard]] inline std::uint32_t coarse_milliseconds() noexcept {
#if defined(__linux__)
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.tv_sec) * 1000U +
                                    static_cast<std::uint64_t>(now.tv_nsec) / 1000000U);
#else
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
#endif
}

}  // namespace aiointerpreters::base
