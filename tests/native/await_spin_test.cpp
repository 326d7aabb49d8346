// AwaitSpin: looks that find nothing become rare, and one that finds something brings them back.
#include "binding/await_spin.h"

#include <gtest/gtest.h>

namespace aiointerpreters::binding {
namespace {

constexpr AwaitSpin::Duration kNone{0};

// Of so many calls that take long, how many are looked for.
unsigned looks_in(AwaitSpin& spin, unsigned calls) {
  unsigned looks = 0;
  for (unsigned call = 0; call < calls; ++call) {
    if (spin.begin() == kNone) continue;
    ++looks;
    spin.learn(false);
  }
  return looks;
}

TEST(AwaitSpin, LooksForEveryCallThatEndsAtOnce) {
  AwaitSpin spin(AwaitSpin::kBudget);
  for (int call = 0; call < 100; ++call) {
    EXPECT_EQ(spin.begin(), AwaitSpin::kBudget);
    spin.learn(true);
  }
}

TEST(AwaitSpin, LooksRarelyForCallsThatTakeLong) {
  AwaitSpin spin(AwaitSpin::kBudget);
  EXPECT_LE(looks_in(spin, 1000), 1000 / (AwaitSpin::kMostSkipped + 1) + 7);
  EXPECT_GE(looks_in(spin, 1000), 1000 / (AwaitSpin::kMostSkipped + 1));
}

TEST(AwaitSpin, OneCallThatEndsAtOnceBringsTheLooksBack) {
  AwaitSpin spin(AwaitSpin::kBudget);
  static_cast<void>(looks_in(spin, 1000));
  while (spin.begin() == kNone) {
  }
  spin.learn(true);
  EXPECT_EQ(spin.begin(), AwaitSpin::kBudget);
}

TEST(AwaitSpin, DoesNotLookWithoutABudget) {
  AwaitSpin spin(kNone);
  EXPECT_EQ(spin.begin(), kNone);
}

}  // namespace
}  // namespace aiointerpreters::binding
