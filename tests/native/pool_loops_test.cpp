// The choice of the event loop for a coroutine function, and of the worker that creates a further loop.
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

using Submitted = Pool::Submitted;
using Errand = Seat::Errand;

std::size_t count(TaskList mail) {
  std::size_t tasks = 0;
  while (mail.pop()) ++tasks;
  return tasks;
}

// A worker that was woken to create a loop.
LoopPortPtr open_loop(Pool& pool, Seat& seat) {
  EXPECT_FALSE(pool.take(seat));
  EXPECT_EQ(seat.errand, Errand::kOpenLoop);
  const bool is_new = seat.hosting == Seat::Hosting::kMaking;
  const LoopPortPtr port = pool.open_loop(seat);
  if (is_new) static_cast<void>(pool.interpreter_made(seat));
  return port;
}

TEST(PoolLoops, TheFirstTaskWantsAThreadAndTheNextOnesGoWhereItWent) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kQueued);  // there is no loop yet
  Seat& seat = pool.enter();
  const LoopPortPtr port = open_loop(pool, seat);
  ASSERT_TRUE(port);
  EXPECT_TRUE(seat.is_host());
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kQueued);
  EXPECT_EQ(count(port->mailbox->take()), 3U);
  static_cast<void>(pool.retire(*port));
  pool.leave(seat);
}

TEST(PoolLoops, AFurtherOneIsMadeWhileAllHaveTasksAndThereMayBeMore) {
  Pool pool(limits(4, 2));
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kNeedsThread);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kQueued);
  Seat& one = pool.enter();
  Seat& other = pool.enter();
  const LoopPortPtr ones = open_loop(pool, one);
  const LoopPortPtr others = open_loop(pool, other);
  EXPECT_NE(ones, others);
  EXPECT_EQ(count(ones->mailbox->take()), 3U);  // each call goes to the loop with the least load
  EXPECT_EQ(count(others->mailbox->take()), 3U);
  for (int i = 0; i < 3; ++i) pool.count_out(*ones);
  EXPECT_TRUE(pool.is_idle(*ones));
  EXPECT_FALSE(pool.is_idle(*others));
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kQueued);
  EXPECT_EQ(count(ones->mailbox->take()), 1U);
  for (const LoopPortPtr& port : {ones, others}) static_cast<void>(pool.retire(*port));
  pool.leave(one);
  pool.leave(other);
}

TEST(PoolLoops, AnIdleHostMakesItsLoopBeforeAThreadIsStarted) {
  Pool pool(limits(2, 2));
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
  Seat& seat = pool.enter();
  EXPECT_FALSE(pool.take(seat));
  EXPECT_FALSE(pool.interpreter_made(seat));
  EXPECT_TRUE(pool.take(seat));
  EXPECT_FALSE(pool.take(seat));
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kQueued);
  const LoopPortPtr port = open_loop(pool, seat);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);  // a worker that creates a loop is not available
  static_cast<void>(pool.retire(*port));
  static_cast<void>(pool.take_queued());
}

TEST(PoolLoops, AWorkerThatIsParkedIsWokenToMakeOne) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  std::atomic<bool> opened = false;
  std::thread worker([&] {
    Seat& seat = pool.enter();
    EXPECT_TRUE(pool.take(seat));
    EXPECT_FALSE(pool.take(seat));
    EXPECT_FALSE(pool.wait(seat));
    EXPECT_EQ(seat.errand, Errand::kOpenLoop);
    const LoopPortPtr port = pool.open_loop(seat);
    EXPECT_FALSE(pool.interpreter_made(seat));
    opened = count(port->mailbox->take()) == 1;
    static_cast<void>(pool.retire(*port));
    pool.leave(seat);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // probably asleep by now; the test is correct either way
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kQueued);
  worker.join();
  EXPECT_TRUE(opened);
}

TEST(PoolLoops, WhatNoLoopHasTakenIsStillQueued) {
  Pool pool(limits(2, 2));
  const TaskPtr task(make_task(Lane::kLoops));
  EXPECT_EQ(pool.submit(task), Submitted::kNeedsThread);
  TaskList queued = pool.take_queued();
  EXPECT_EQ(queued.pop(), task);
  EXPECT_TRUE(queued.empty());
  Seat& seat = pool.enter();
  EXPECT_FALSE(pool.take(seat));
  EXPECT_EQ(seat.errand, Errand::kNone);  // it is no longer needed
  pool.leave(seat);
}

TEST(PoolLoops, AClosedPoolsLoopIsStillMadeForWhatWaitsForIt) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kNeedsThread);
  pool.close();
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kRefused);
  Seat& seat = pool.enter();
  const LoopPortPtr port = open_loop(pool, seat);
  EXPECT_EQ(count(port->mailbox->take()), 1U);
  EXPECT_FALSE(pool.take(seat));
  EXPECT_FALSE(pool.wait(seat));
  EXPECT_EQ(seat.errand, Errand::kNone);  // so the worker leaves
  pool.leave(seat);
}

TEST(PoolLoops, ARetiredLoopGetsNoMore) {
  Pool pool(limits(1, 1));
  const TaskPtr task(make_task(Lane::kLoops));
  EXPECT_EQ(pool.submit(task), Submitted::kNeedsThread);
  Seat& seat = pool.enter();
  const LoopPortPtr port = open_loop(pool, seat);
  TaskList left = pool.retire(*port);
  EXPECT_EQ(left.pop(), task);
  EXPECT_FALSE(pool.take(seat));
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Submitted::kQueued);
  const LoopPortPtr next = open_loop(pool, seat);
  EXPECT_NE(next, port);
  static_cast<void>(pool.retire(*next));
  pool.leave(seat);
}

TEST(PoolLoops, WhatWasToBeAFurtherOneIsLeftToThoseThatThereAre) {
  Pool pool(limits(3, 3));
  std::vector<TaskPtr> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.emplace_back(make_task(Lane::kLoops));
    EXPECT_EQ(pool.submit(tasks.back()), Submitted::kNeedsThread);
  }
  Seat& host = pool.enter();
  const LoopPortPtr port = open_loop(pool, host);
  Seat& unlucky = pool.enter();
  EXPECT_FALSE(pool.take(unlucky));
  const LoopPortPtr failed = pool.open_loop(unlucky);
  EXPECT_EQ(count(pool.retire(*failed)), 1U);
  TaskList left;
  EXPECT_TRUE(pool.interpreter_failed(unlucky, pool.no_memory(), left));
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(tasks[2]->port, port);
  EXPECT_EQ(count(port->mailbox->take()), 2U);
  pool.count_out(*port);
  EXPECT_FALSE(pool.is_idle(*port));
  pool.count_out(*port);
  EXPECT_TRUE(pool.is_idle(*port));
  EXPECT_FALSE(pool.take(unlucky));
  EXPECT_EQ(unlucky.errand, Errand::kNone);
  pool.leave(unlucky);
  pool.leave(host);
}

TEST(PoolLoops, AHostRestsOnlyWhenItsLoopHasNothingToDo) {
  Pool pool(limits(1, 1));
  const TaskPtr task(make_task(Lane::kLoops));
  EXPECT_EQ(pool.submit(task), Submitted::kNeedsThread);
  const LoopPortPtr port = task->port;
  std::atomic<bool> opened = false;
  std::thread worker([&] {
    Seat& seat = pool.enter();
    EXPECT_EQ(open_loop(pool, seat), port);
    opened = true;
    opened.notify_one();
    EXPECT_FALSE(pool.take(seat));
    EXPECT_FALSE(pool.wait(seat));  // not before the task has ended
    EXPECT_EQ(seat.errand, Errand::kRest);
    EXPECT_TRUE(pool.is_idle(*port));
    EXPECT_EQ(count(pool.retire(*port)), 1U);
    pool.step_down(seat);
    pool.leave(seat);
  });
  opened.wait(false);
  pool.begin_rest();
  EXPECT_EQ(pool.interpreters(), 1U);
  pool.count_out(*port);
  worker.join();
  EXPECT_EQ(pool.interpreters(), 0U);
  pool.end_rest();
}

}  // namespace
}  // namespace aiointerpreters::pool
