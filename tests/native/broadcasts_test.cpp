// Calls that run once in every interpreter of a pool.
#include "pool/broadcasts.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "fake_task.h"
#include "fake_worker.h"
#include "pool/pool.h"

namespace aiointerpreters::pool {
namespace {

using Submitted = Pool::Submitted;
using Errand = Seat::Errand;

Broadcasts::Node broadcast_of(std::uint64_t id) {
  auto made = std::make_shared<Broadcast>();
  made->id = id;
  return Broadcasts::Node{{std::move(made)}};
}

// Sends a broadcast to this many interpreters that exist. Returns their tasks.
std::vector<TaskPtr> send(Pool& pool, std::uint64_t id, std::size_t interpreters) {
  Broadcasts::Node node = broadcast_of(id);
  std::vector<TaskPtr> sent;
  TaskList tasks;
  for (std::size_t i = 0; i < interpreters; ++i) {
    sent.emplace_back(make_task());
    tasks.push(sent.back());
  }
  std::size_t count = interpreters;
  EXPECT_EQ(pool.broadcast(node, tasks, count), Pool::Sent::kSent);
  EXPECT_EQ(count, interpreters);
  return sent;
}

class BroadcastTest : public testing::Test {
 protected:
  // A worker that is told to create its interpreter.
  Seat& enter() {
    EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
    Seat& seat = pool.enter();
    EXPECT_EQ(take_errand(pool, seat), Errand::kMakeInterpreter);
    return seat;
  }
  // The same, and it has created it and has run its first call.
  Seat& enter_host() {
    Seat& seat = enter();
    EXPECT_FALSE(pool.interpreter_made(seat));
    EXPECT_TRUE(pool.take(seat));
    return seat;
  }
  void TearDown() override { static_cast<void>(pool.take_queued()); }

  Pool pool{limits(4, 4)};
};

TEST_F(BroadcastTest, AnInterpreterThatExistsGetsATaskBeforeAllOthers) {
  Seat& seat = enter_host();
  static_cast<void>(pool.submit(make_task()));
  const std::vector<TaskPtr> sent = send(pool, 1, 1);
  EXPECT_EQ(pool.take(seat), sent[0]);
}

TEST_F(BroadcastTest, ANewInterpreterRunsThemInTheirOrderAndThoseThatComeMeanwhile) {
  Seat& seat = enter();
  static_cast<void>(send(pool, 7, 0));
  static_cast<void>(send(pool, 5, 0));
  EXPECT_EQ(pool.interpreter_made(seat)->id, 7U);
  EXPECT_EQ(pool.interpreter_made(seat)->id, 5U);
  static_cast<void>(send(pool, 9, 0));
  EXPECT_EQ(pool.interpreter_made(seat)->id, 9U);
  EXPECT_FALSE(pool.interpreter_made(seat));
}

TEST_F(BroadcastTest, IfThereAreTooFewTasksNothingIsSent) {
  Seat& seat = enter_host();
  Broadcasts::Node node = broadcast_of(1);
  TaskList none;
  std::size_t count = 0;
  EXPECT_EQ(pool.broadcast(node, none, count), Pool::Sent::kTooFewTasks);
  EXPECT_EQ(count, 1U);
  EXPECT_FALSE(pool.take(seat));
}

TEST_F(BroadcastTest, AWithdrawnOneDoesNotRunInNewInterpreters) {
  Seat& seat = enter();
  static_cast<void>(send(pool, 1, 0));
  static_cast<void>(send(pool, 2, 0));
  pool.withdraw_broadcast(1);
  EXPECT_EQ(pool.interpreter_made(seat)->id, 2U);
}

TEST_F(BroadcastTest, ATaskThatIsGivenBackStaysWithItsInterpreter) {
  Seat& seat = enter_host();
  Seat& other = enter_host();
  const std::vector<TaskPtr> sent = send(pool, 1, 2);
  TaskPtr task = pool.take(seat);
  ASSERT_TRUE(task);
  pool.give_back(seat, task);
  EXPECT_NE(pool.take(other), task);
  EXPECT_FALSE(pool.take(other));
  EXPECT_EQ(pool.take(seat), task);
}

TEST_F(BroadcastTest, IfItsInterpreterIsLostTheWorkerEndsTheTask) {
  Seat& seat = enter_host();
  const std::vector<TaskPtr> sent = send(pool, 1, 1);
  pool.begin_rest();
  ASSERT_EQ(take_errand(pool, seat), Errand::kRest);
  pool.step_down(seat);
  ASSERT_EQ(take_errand(pool, seat), Errand::kEndAddressed);
  TaskList lost = pool.take_addressed(seat);
  EXPECT_EQ(lost.pop(), sent[0]);
  pool.end_rest();
}

TEST_F(BroadcastTest, AClosedPoolRefusesButRunsWhatWasSent) {
  Seat& seat = enter_host();
  const std::vector<TaskPtr> sent = send(pool, 1, 1);
  pool.close();
  Broadcasts::Node node = broadcast_of(2);
  TaskList none;
  std::size_t count = 0;
  EXPECT_EQ(pool.broadcast(node, none, count), Pool::Sent::kRefused);
  EXPECT_EQ(pool.take(seat), sent[0]);
}

TEST_F(BroadcastTest, CancellingWhatIsQueuedIncludesIt) {
  Seat& seat = enter_host();
  const std::vector<TaskPtr> sent = send(pool, 1, 1);
  TaskList queued = pool.take_queued();
  EXPECT_EQ(queued.pop(), sent[0]);
  EXPECT_FALSE(pool.take(seat));
}

}  // namespace
}  // namespace aiointerpreters::pool
