// What the engine takes for granted of the machine it is compiled for.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

namespace {

TEST(Toolchain, AtomicsThatAreWaitedOnAreLockFree) {
  EXPECT_TRUE(std::atomic<std::uint32_t>::is_always_lock_free);
  EXPECT_TRUE(std::atomic<void*>::is_always_lock_free);
}

}  // namespace
