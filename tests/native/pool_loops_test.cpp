// Which event loop a coroutine function is sent to, and which worker makes a further one.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "fake_task.h"
#include "pool/pool.h"

namespace aiointerpreters::pool {
namespace {

using Side = Task::Side;
using Submitted = Pool::Submitted;

std::size_t count(TaskList mail) {
  std::size_t tasks = 0;
  while (mail.pop()) ++tasks;
  return tasks;
}

// A worker that has come for the loop that it is to make.
LoopPortPtr open_loop(Pool& pool, Seat& seat) {
  EXPECT_FALSE(pool.take(seat));
  EXPECT_TRUE(seat.must_open_loop);
  return pool.open_loop(seat);
}

TEST(PoolLoops, TheFirstTaskWantsAThreadAndTheNextOnesGoWhereItWent) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kQueued);  // before there is a loop
  Seat seat;
  pool.enter(seat);
  const LoopPortPtr port = open_loop(pool, seat);
  ASSERT_TRUE(port);
  EXPECT_TRUE(seat.is_host);
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kQueued);
  EXPECT_EQ(count(port->mailbox->take()), 3U);
  static_cast<void>(pool.retire(*port));
  pool.leave(seat);
}

TEST(PoolLoops, AFurtherOneIsMadeWhileAllHaveTasksAndThereMayBeMore) {
  Pool pool(limits(4, 2));
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kNeedsThread);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kQueued);
  Seat one;
  Seat other;
  pool.enter(one);
  pool.enter(other);
  const LoopPortPtr ones = open_loop(pool, one);
  const LoopPortPtr others = open_loop(pool, other);
  EXPECT_NE(ones, others);
  EXPECT_EQ(count(ones->mailbox->take()), 3U);  // each the least loaded in turn
  EXPECT_EQ(count(others->mailbox->take()), 3U);
  for (int i = 0; i < 3; ++i) pool.count_out(*ones);
  EXPECT_TRUE(pool.is_idle(*ones));
  EXPECT_FALSE(pool.is_idle(*others));
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kQueued);
  EXPECT_EQ(count(ones->mailbox->take()), 1U);
  for (const LoopPortPtr& port : {ones, others}) static_cast<void>(pool.retire(*port));
  pool.leave(one);
  pool.leave(other);
}

TEST(PoolLoops, AnIdleHostMakesItsLoopBeforeAThreadIsStarted) {
  Pool pool(limits(2, 2));
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
  Seat seat;
  pool.enter(seat);
  EXPECT_TRUE(pool.take(seat));
  EXPECT_FALSE(pool.take(seat));
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kQueued);
  const LoopPortPtr port = open_loop(pool, seat);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);  // who makes a loop is not available
  static_cast<void>(pool.retire(*port));
  static_cast<void>(pool.take_queued());
}

TEST(PoolLoops, AWorkerThatIsParkedIsWokenToMakeOne) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.submit(make_task(Side::kHome)), Submitted::kNeedsThread);
  std::atomic<bool> opened = false;
  std::thread worker([&] {
    Seat seat;
    pool.enter(seat);
    EXPECT_TRUE(pool.take(seat));
    EXPECT_FALSE(pool.take(seat));
    EXPECT_FALSE(pool.wait(seat));
    EXPECT_TRUE(seat.must_open_loop);
    const LoopPortPtr port = pool.open_loop(seat);
    opened = count(port->mailbox->take()) == 1;
    static_cast<void>(pool.retire(*port));
    pool.leave(seat);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // more likely asleep than not; both ways are right
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kQueued);
  worker.join();
  EXPECT_TRUE(opened);
}

TEST(PoolLoops, WhatNoLoopHasTakenIsStillQueued) {
  Pool pool(limits(2, 2));
  const TaskPtr task(make_task());
  EXPECT_EQ(pool.submit_to_loop(task), Submitted::kNeedsThread);
  EXPECT_EQ(pool.take_queued(), std::vector<TaskPtr>{task});
  Seat seat;
  pool.enter(seat);
  EXPECT_FALSE(pool.take(seat));
  EXPECT_FALSE(seat.must_open_loop);  // nobody needs one any more
  pool.leave(seat);
}

TEST(PoolLoops, AClosedPoolsLoopIsStillMadeForWhatWaitsForIt) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kNeedsThread);
  pool.close();
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kRefused);
  Seat seat;
  pool.enter(seat);
  const LoopPortPtr port = open_loop(pool, seat);
  EXPECT_EQ(count(port->mailbox->take()), 1U);
  EXPECT_FALSE(pool.take(seat));
  EXPECT_FALSE(pool.wait(seat));
  EXPECT_FALSE(seat.must_open_loop);
  EXPECT_FALSE(seat.must_rest);  // so it leaves
  pool.leave(seat);
}

TEST(PoolLoops, ARetiredLoopGetsNoMore) {
  Pool pool(limits(1, 1));
  const TaskPtr task(make_task());
  EXPECT_EQ(pool.submit_to_loop(task), Submitted::kNeedsThread);
  Seat seat;
  pool.enter(seat);
  const LoopPortPtr port = open_loop(pool, seat);
  TaskList left = pool.retire(*port);
  EXPECT_EQ(left.pop(), task);
  EXPECT_FALSE(pool.take(seat));
  EXPECT_EQ(pool.submit_to_loop(make_task()), Submitted::kQueued);
  EXPECT_NE(open_loop(pool, seat), port);
  pool.leave(seat);
}

TEST(PoolLoops, WhatWasToBeAFurtherOneIsLeftToThoseThatThereAre) {
  Pool pool(limits(3, 3));
  std::vector<TaskPtr> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.emplace_back(make_task());
    EXPECT_EQ(pool.submit_to_loop(tasks.back()), Submitted::kNeedsThread);
  }
  Seat host;
  pool.enter(host);
  const LoopPortPtr port = open_loop(pool, host);
  Seat unlucky;
  pool.enter(unlucky);
  const LoopPortPtr failed = open_loop(pool, unlucky);
  EXPECT_EQ(count(pool.retire(*failed)), 1U);
  EXPECT_TRUE(pool.host_failed(unlucky));
  EXPECT_EQ(tasks[2]->port, port);
  EXPECT_EQ(count(port->mailbox->take()), 2U);
  pool.count_out(*port);
  EXPECT_FALSE(pool.is_idle(*port));
  pool.count_out(*port);
  EXPECT_TRUE(pool.is_idle(*port));
  EXPECT_FALSE(pool.take(unlucky));
  EXPECT_FALSE(unlucky.must_open_loop);
  pool.leave(unlucky);
  pool.leave(host);
}

TEST(PoolLoops, AHostRestsOnlyWhenItsLoopHasNothingToDo) {
  Pool pool(limits(1, 1));
  const TaskPtr task(make_task());
  EXPECT_EQ(pool.submit_to_loop(task), Submitted::kNeedsThread);
  const LoopPortPtr port = task->port;
  std::atomic<bool> opened = false;
  std::thread worker([&] {
    Seat seat;
    pool.enter(seat);
    EXPECT_EQ(open_loop(pool, seat), port);
    opened = true;
    opened.notify_one();
    EXPECT_FALSE(pool.take(seat));
    EXPECT_FALSE(pool.wait(seat));  // until the task has ended
    EXPECT_TRUE(seat.must_rest);
    EXPECT_TRUE(pool.is_idle(*port));
    pool.step_down(seat);
    pool.leave(seat);
  });
  opened.wait(false);
  pool.begin_rest();
  EXPECT_EQ(pool.wait_for_rest(base::Clock::now()), base::Wake::kTimedOut);
  pool.count_out(*port);
  EXPECT_EQ(pool.wait_for_rest(base::Deadline()), base::Wake::kChanged);
  worker.join();
  pool.end_rest();
}

}  // namespace
}  // namespace aiointerpreters::pool
