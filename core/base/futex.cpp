// One implementation of futex.h per platform; no other part of the engine knows the platform's primitive.
#include "base/futex.h"

#include <cerrno>
#include <climits>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>
#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#elif defined(__APPLE__)
#include <os/os_sync_wait_on_address.h>
#else
#error "aiointerpreters needs a futex-like primitive: Linux, Windows 8 or macOS 14.4"
#endif

namespace aiointerpreters::base {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "the kernel compares the plain word");

namespace {

// Time left until `deadline`, never negative.
[[maybe_unused]] std::chrono::nanoseconds left_until(Clock::time_point deadline) noexcept {
  const auto left = deadline - Clock::now();
  return left.count() > 0 ? std::chrono::nanoseconds(left) : std::chrono::nanoseconds(0);
}

#if defined(__linux__)
// A const address suffices: the kernel only reads the word.
long futex(const std::atomic<std::uint32_t>* word, int operation, std::uint32_t value, const timespec* timeout) noexcept {
  return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, 0);
}
#endif

}  // namespace

Wake wait_on(const std::atomic<std::uint32_t>& word, std::uint32_t seen, const Deadline& deadline) noexcept {
#if defined(__linux__)
  timespec timeout{};
  if (deadline) {
    const auto left = left_until(*deadline).count();
    timeout.tv_sec = static_cast<time_t>(left / 1'000'000'000);
    timeout.tv_nsec = static_cast<long>(left % 1'000'000'000);
  }
  if (futex(&word, FUTEX_WAIT, seen, deadline ? &timeout : nullptr) == 0) return Wake::kChanged;
  if (errno == ETIMEDOUT) return Wake::kTimedOut;
  return errno == EINTR ? Wake::kInterrupted : Wake::kChanged;
#elif defined(_WIN32)
  const DWORD ms = deadline ? static_cast<DWORD>((left_until(*deadline).count() + 999'999) / 1'000'000) : INFINITE;
  if (WaitOnAddress(const_cast<std::atomic<std::uint32_t>*>(&word), &seen, sizeof seen, ms)) return Wake::kChanged;
  return GetLastError() == ERROR_TIMEOUT ? Wake::kTimedOut : Wake::kChanged;
#else
  void* address = const_cast<std::atomic<std::uint32_t>*>(&word);
  const int rc = deadline
                     ? os_sync_wait_on_address_with_timeout(address, seen, sizeof seen, OS_SYNC_WAIT_ON_ADDRESS_NONE,
                                                            OS_CLOCK_MACH_ABSOLUTE_TIME, left_until(*deadline).count() + 1)
                     : os_sync_wait_on_address(address, seen, sizeof seen, OS_SYNC_WAIT_ON_ADDRESS_NONE);
  if (rc >= 0) return Wake::kChanged;
  if (errno == ETIMEDOUT) return Wake::kTimedOut;
  return errno == EINTR ? Wake::kInterrupted : Wake::kChanged;
#endif
}

void wake_one(const std::atomic<std::uint32_t>* word) noexcept {
#if defined(__linux__)
  futex(word, FUTEX_WAKE, 1, nullptr);
#elif defined(_WIN32)
  WakeByAddressSingle(const_cast<std::atomic<std::uint32_t>*>(word));
#else
  os_sync_wake_by_address_any(const_cast<std::atomic<std::uint32_t>*>(word), sizeof *word, OS_SYNC_WAKE_BY_ADDRESS_NONE);
#endif
}

void wake_all(const std::atomic<std::uint32_t>* word) noexcept {
#if defined(__linux__)
  futex(word, FUTEX_WAKE, INT_MAX, nullptr);
#elif defined(_WIN32)
  WakeByAddressAll(const_cast<std::atomic<std::uint32_t>*>(word));
#else
  os_sync_wake_by_address_all(const_cast<std::atomic<std::uint32_t>*>(word), sizeof *word, OS_SYNC_WAKE_BY_ADDRESS_NONE);
#endif
}

}  // namespace aiointerpreters::base
