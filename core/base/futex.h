// Waiting on a 32-bit word: a thread sleeps in the kernel while the word has the value that the thread saw.
// Linux futex(2), Windows WaitOnAddress, macOS os_sync_wait_on_address.
// Thread: any. Blocks: yes, so the caller must be detached from every interpreter (hazard 8).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace aiointerpreters::base {

using Clock = std::chrono::steady_clock;
using Deadline = std::optional<Clock::time_point>;  // nullopt: no limit
[[nodiscard]] inline bool is_over(const Deadline& deadline) noexcept { return deadline && Clock::now() >= *deadline; }

enum class Wake : std::uint8_t {
  kChanged,      // the word has changed, a thread woke us, or there was no reason: look again
  kTimedOut,     // the deadline has passed
  kInterrupted,  // a signal was handled on this thread
};

// Sleeps while `word` equals `seen`. Pairs with a change of the word followed by wake_one or wake_all.
[[nodiscard]] Wake wait_on(const std::atomic<std::uint32_t>& word, std::uint32_t seen, const Deadline& deadline) noexcept;
// The word may already be gone, because only its address is used.
void wake_one(const std::atomic<std::uint32_t>* word) noexcept;
void wake_all(const std::atomic<std::uint32_t>* word) noexcept;

}  // namespace aiointerpreters::base
