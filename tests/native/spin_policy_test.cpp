// When spinning pays, judged by made-up outcomes of spins: no clock, no other thread.
#include "base/spin_policy.h"

#include <gtest/gtest.h>

#include "base/idle_spins.h"

namespace aiointerpreters::base {
namespace {

using Duration = SpinPolicy::Duration;

constexpr Duration kBudget = std::chrono::microseconds(50);
constexpr Duration kNone{0};
constexpr Spun kFound{.found = true};
constexpr Spun kFoundLate{.found = true, .robbed = true};
constexpr Spun kNothing{};
constexpr Spun kRobbedOfIt{.robbed = true};

// One wait with this outcome of its spin, if it spins. Returns the longest spin that was allowed.
Duration wait(SpinPolicy& policy, Spun spun) {
  const Duration budget = policy.begin();
  if (budget > kNone) policy.learn(spun);
  return budget;
}

// How many waits sleep immediately before one spins again.
unsigned pause_of(SpinPolicy& policy, Spun then) {
  unsigned pause = 0;
  while (wait(policy, then) == kNone) ++pause;
  return pause;
}

TEST(SpinPolicy, SpinsAsLongAsThatFindsAnswers) {
  SpinPolicy policy(kBudget);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(wait(policy, kFound), kBudget);
}

TEST(SpinPolicy, WithoutABudgetItNeverSpins) {
  SpinPolicy policy(kNone);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(policy.begin(), kNone);
}

TEST(SpinPolicy, OneSpinInVainAfterManyAnswersCostsNothing) {
  SpinPolicy policy(kBudget);
  for (int burst = 0; burst < 10; ++burst) {
    for (unsigned i = 0; i < SpinPolicy::kSettled; ++i) EXPECT_EQ(wait(policy, kFound), kBudget);
    EXPECT_EQ(wait(policy, kNothing), kBudget);
  }
}

TEST(SpinPolicy, SpinsInVainGetRare) {
  SpinPolicy policy(kBudget);
  for (const unsigned pause : {0U, 0U, 1U, 3U, 7U, 15U, 31U, 32U, 32U}) EXPECT_EQ(pause_of(policy, kNothing), pause);
}

TEST(SpinPolicy, WhereSpinsAreInVainFewWaitsSpin) {
  SpinPolicy policy(kBudget);
  int spins = 0;
  for (int i = 0; i < 1000; ++i) spins += static_cast<int>(wait(policy, kNothing) > kNone);
  EXPECT_LE(spins, 40);
}

TEST(SpinPolicy, LearnsWithinAFewWaitsThatSpinningPaysAgain) {
  SpinPolicy policy(kBudget);
  for (int i = 0; i < 1000; ++i) wait(policy, kNothing);
  int before = 0;
  while (wait(policy, kFound) == kNone) ++before;
  EXPECT_LE(before, static_cast<int>(SpinPolicy::kMaxPause));
  for (unsigned i = 1; i < SpinPolicy::kSettled; ++i) EXPECT_GT(wait(policy, kFound), kNone);
  EXPECT_EQ(pause_of(policy, kNothing), 0U);
  EXPECT_EQ(pause_of(policy, kNothing), 0U);  // everything before is forgotten
}

TEST(SpinPolicy, ASpinThatWasTakenOffItsProcessorMakesTheNextOnesShort) {
  SpinPolicy policy(kBudget);
  EXPECT_EQ(wait(policy, kFoundLate), kBudget);
  EXPECT_TRUE(policy.is_wary());
  EXPECT_EQ(wait(policy, kFound), SpinPolicy::kShort);
  for (unsigned i = 1; i < SpinPolicy::kMinWary; ++i) wait(policy, kFound);
  EXPECT_FALSE(policy.is_wary());
  EXPECT_EQ(wait(policy, kFound), kBudget);
}

TEST(SpinPolicy, AShortBudgetIsNotMadeLonger) {
  constexpr Duration kTiny = std::chrono::microseconds(1);
  SpinPolicy policy(kTiny);
  wait(policy, kFoundLate);
  EXPECT_EQ(policy.begin(), kTiny);
}

// After a robbed spin: the number of waits in which the policy stays cautious.
unsigned wary_waits(SpinPolicy& policy) {
  while (wait(policy, kRobbedOfIt) == kNone) continue;
  unsigned waits = 0;
  for (; policy.is_wary(); ++waits) wait(policy, kFound);
  return waits;
}

TEST(SpinPolicy, IsWaryLongerWhereItIsRobbedAgainAndAgain) {
  SpinPolicy policy(kBudget);
  unsigned last = wary_waits(policy);
  for (unsigned next = wary_waits(policy); next != last; next = wary_waits(policy)) {
    EXPECT_EQ(next, SpinPolicy::kGrowth * last);
    last = next;
  }
  EXPECT_EQ(last, SpinPolicy::kMaxWary);
}

TEST(SpinPolicy, ForgetsItsWarinessWhereAllStaysCalm) {
  SpinPolicy policy(kBudget);
  const unsigned at_first = wary_waits(policy);
  for (int i = 0; i < 10; ++i) static_cast<void>(wary_waits(policy));
  for (unsigned i = 0; i < 2 * SpinPolicy::kMaxWary; ++i) wait(policy, kFound);
  EXPECT_EQ(wary_waits(policy), at_first);
}

// ---- Threads that wait for work

constexpr int kHere = 0;
constexpr int kThere = 1;

TEST(IdleSpins, HalfOfTheProcessorsSpin) {
  IdleSpins spins(4, kBudget);
  const IdleSpins::Plan first = spins.begin(kHere, kThere);
  EXPECT_EQ(first.budget, kBudget);
  EXPECT_TRUE(spins.begin(2, kThere).spins());
  EXPECT_FALSE(spins.begin(3, kThere).spins());
  spins.learn(first, kFound);
  EXPECT_TRUE(spins.begin(3, kThere).spins());
}

TEST(IdleSpins, NobodySpinsOnASingleProcessor) {
  IdleSpins spins(1, kBudget);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(spins.begin(kHere, kHere).spins());
}

TEST(IdleSpins, WhereProcessorsAreNotKnownOneSpinsAllTheSame) {
  IdleSpins spins(2, kBudget);
  EXPECT_TRUE(spins.begin(-1, -1).spins());
}

// Waits on the giver's processor until the thread must move. Then the policy learns the outcome of the move.
unsigned turns_before_move(IdleSpins& spins, Spun then) {
  for (unsigned turns = 1;; ++turns) {
    const IdleSpins::Plan plan = spins.begin(kHere, kHere);
    if (!plan.spins()) continue;
    EXPECT_EQ(plan.leave, kHere);
    spins.learn(plan, then);
    return turns;
  }
}

TEST(IdleSpins, NobodySpinsOnTheGiversProcessorButMovesAfterSomeTurns) {
  IdleSpins spins(2, kBudget);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(turns_before_move(spins, kFound), IdleSpins::kMinTurns);
}

TEST(IdleSpins, TurnsInARowCountOnly) {
  IdleSpins spins(2, kBudget);
  for (unsigned i = 0; i < 10 * IdleSpins::kMinTurns; ++i) {
    EXPECT_FALSE(spins.begin(kHere, kHere).spins());
    const IdleSpins::Plan apart = spins.begin(kThere, kHere);
    EXPECT_LT(apart.leave, 0);
    spins.learn(apart, kFound);
  }
}

TEST(IdleSpins, MovesToBusyProcessorsGetRareAndOneThatHelpsEndsThat) {
  IdleSpins spins(2, kBudget);
  unsigned last = turns_before_move(spins, kRobbedOfIt);
  for (int i = 0; i < 20; ++i) {
    const unsigned next = turns_before_move(spins, kRobbedOfIt);
    EXPECT_GE(next, last);
    last = next;
  }
  EXPECT_GE(last, IdleSpins::kMaxTurns);
  static_cast<void>(turns_before_move(spins, kFound));
  EXPECT_EQ(turns_before_move(spins, kFound), IdleSpins::kMinTurns);
}

}  // namespace
}  // namespace aiointerpreters::base
