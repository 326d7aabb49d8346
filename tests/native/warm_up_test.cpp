// Interpreters that a pool wants before calls need them, and the tasks that wait for them.
#include "pool/warm_up.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "fake_task.h"
#include "fake_worker.h"
#include "pool/pool.h"

namespace aiointerpreters::pool {
namespace {

using Submitted = Pool::Submitted;
using Errand = Seat::Errand;

// The worker makes its interpreter, as it is told to.
void become_host(Pool& pool, Seat& seat) {
  ASSERT_EQ(take_errand(pool, seat), Errand::kMakeInterpreter);
  ASSERT_FALSE(pool.interpreter_made(seat));
}

// A worker that has made its interpreter and has got the call that needed it.
Seat& enter_host(Pool& pool) {
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
  Seat& seat = pool.enter();
  become_host(pool, seat);
  EXPECT_TRUE(pool.take(seat));
  return seat;
}

TEST(WarmUp, WantsAsManyThreadsAndInterpretersAsAreAskedFor) {
  Pool pool(limits(4, 3));
  const TaskPtr warm(make_task());
  EXPECT_EQ(pool.warm_up(warm, 2), Submitted::kQueued);
  EXPECT_TRUE(pool.claim_thread());
  EXPECT_TRUE(pool.claim_thread());
  EXPECT_FALSE(pool.claim_thread());
  Seat& first = pool.enter();
  Seat& second = pool.enter();
  EXPECT_EQ(take_errand(pool, first), Errand::kMakeInterpreter);
  EXPECT_EQ(take_errand(pool, second), Errand::kMakeInterpreter);
  EXPECT_FALSE(pool.interpreter_made(first));
  EXPECT_EQ(take_errand(pool, first), Errand::kNone);  // one is not enough
  EXPECT_FALSE(pool.interpreter_made(second));
  EXPECT_EQ(pool.take(second), warm);
}

TEST(WarmUp, WakesWorkersOneAfterTheOther) {
  Pool pool(limits(4, 2));
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  Seat& seat = pool.enter();
  TaskPtr task = pool.take(seat);
  ASSERT_TRUE(task);
  EXPECT_EQ(pool.warm_up(make_task(), 1), Submitted::kQueued);
  EXPECT_TRUE(pool.claim_thread());                              // the only worker is busy
  EXPECT_EQ(take_errand(pool, seat), Errand::kMakeInterpreter);  // it is free before the other one has come
  EXPECT_FALSE(pool.claim_thread());
  static_cast<void>(pool.take_queued());
}

TEST(WarmUp, ACallOfHomeComesFirst) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.warm_up(make_task(), 1), Submitted::kQueued);
  EXPECT_TRUE(pool.claim_thread());
  const TaskPtr call(make_task(Lane::kHome));
  EXPECT_EQ(pool.submit(call), Submitted::kQueued);
  Seat& seat = pool.enter();
  EXPECT_EQ(pool.take(seat), call);
  EXPECT_EQ(take_errand(pool, seat), Errand::kMakeInterpreter);
  static_cast<void>(pool.take_queued());
}

TEST(WarmUp, IfThereAreEnoughInterpretersTheTaskComesBeforeTheCallsThatWait) {
  Pool pool(limits(1, 1));
  Seat& seat = enter_host(pool);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kQueued);
  const TaskPtr warm(make_task());
  EXPECT_EQ(pool.warm_up(warm, 5), Submitted::kQueued);  // there may be only one
  EXPECT_EQ(pool.take(seat), warm);
  static_cast<void>(pool.take_queued());
}

TEST(WarmUp, TheLeastNumberIsKeptAlsoAfterARest) {
  PoolOptions options = limits(4, 2);
  options.min_interpreters = 1;
  Pool pool(std::move(options));
  EXPECT_TRUE(pool.claim_thread());
  EXPECT_FALSE(pool.claim_thread());
  Seat& seat = pool.enter();
  become_host(pool, seat);
  EXPECT_EQ(take_errand(pool, seat), Errand::kNone);
  pool.begin_rest();
  EXPECT_EQ(wait_for_errand(pool, seat), Errand::kRest);
  pool.step_down(seat);
  EXPECT_EQ(take_errand(pool, seat), Errand::kNone);
  pool.end_rest();
  EXPECT_EQ(wait_for_errand(pool, seat), Errand::kMakeInterpreter);
}

TEST(WarmUp, IfAnInterpreterCannotBeMadeTheTaskEnds) {
  Pool pool(limits(4, 2));
  static_cast<void>(enter_host(pool));
  const TaskPtr warm(make_task());
  EXPECT_EQ(pool.warm_up(warm, 2), Submitted::kQueued);
  EXPECT_TRUE(pool.claim_thread());
  Seat& other = pool.enter();
  EXPECT_FALSE(pool.take(other));
  TaskList left;
  EXPECT_TRUE(pool.interpreter_failed(other, std::make_shared<const Breakage>(), left));
  EXPECT_EQ(left.pop(), warm);
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(take_errand(pool, other), Errand::kNone);  // nothing is wanted any more
  EXPECT_EQ(pool.warm_up(make_task(), 2), Submitted::kQueued);
  EXPECT_EQ(wait_for_errand(pool, other), Errand::kMakeInterpreter);  // at once, although the last attempt has failed
  static_cast<void>(pool.take_queued());
}

TEST(WarmUp, ClosingEndsTheWait) {
  PoolOptions options = limits(2, 2);
  options.min_interpreters = 2;
  Pool pool(std::move(options));
  const TaskPtr warm(make_task());
  EXPECT_EQ(pool.warm_up(warm, 2), Submitted::kQueued);
  EXPECT_TRUE(pool.claim_thread());
  pool.close();
  Seat& seat = pool.enter();
  EXPECT_EQ(wait_for_errand(pool, seat), Errand::kMakeInterpreter);  // for the task, which is queued now
  EXPECT_FALSE(pool.interpreter_made(seat));
  EXPECT_EQ(pool.take(seat), warm);
  EXPECT_FALSE(pool.take(seat));
  EXPECT_FALSE(pool.claim_thread());
  EXPECT_EQ(pool.warm_up(make_task(), 1), Submitted::kRefused);
}

}  // namespace
}  // namespace aiointerpreters::pool
