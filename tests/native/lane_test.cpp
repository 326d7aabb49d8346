// The contract that every lane has with Dispatch (pool/lane.h), and the behaviour of each lane.
#include "pool/lane.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "fake_task.h"
#include "pool/home_lane.h"
#include "pool/interpreter_lane.h"
#include "pool/inventory.h"
#include "pool/loop_lane.h"
#include "pool/pool.h"

namespace aiointerpreters::pool {
namespace {

class FakeInterrupter final : public Interrupter {
 public:
  bool interrupt(TaskPtr) noexcept override { return true; }
  bool interrupt_all() noexcept override { return true; }
  void look(std::shared_ptr<Glance>) noexcept override {}
};

// The parts of a pool without the pool, and one of its lanes.
template <typename L>
class LaneTest : public testing::Test {
 protected:
  // Adds a call as Pool::submit does.
  TaskPtr submit() {
    const TaskPtr task(make_task(L::kName));
    if constexpr (L::kName == Lane::kLoops) {
      Loops::Room room = Loops::Room::make(has.loops.size());
      task->port = has.loops.add(room);
      has.loops.count_in(*task->port);
      static_cast<void>(task->port->mailbox->post(task));
    } else {
      has.backlog.add(task);
    }
    submitted.push_back(task);
    return task;
  }
  // A call of a loop that no worker has taken. The call and its port own each other.
  void TearDown() override {
    for (const TaskPtr& task : submitted) task->port.reset();
  }
  // A plain worker, awake.
  Seat& enter() {
    std::unique_ptr<Seat> spare = Roster::make_seat();
    has.roster.expect_thread();
    return has.roster.enter(spare);
  }
  // A host, awake.
  Seat& enter_host() {
    Seat& seat = enter();
    has.begin_making(seat);
    has.roster.made(seat);
    return seat;
  }
  std::size_t drained(std::size_t kept) {
    TaskList tasks;
    lane.drain(kept, tasks);
    std::size_t count = 0;
    while (tasks.pop()) ++count;
    return count;
  }

  std::vector<TaskPtr> submitted;
  Signals signals;
  Inventory has{{4, 2}, signals};
  L lane{has};
};

using Lanes = testing::Types<HomeLane, InterpreterLane, LoopLane>;
TYPED_TEST_SUITE(LaneTest, Lanes);

TYPED_TEST(LaneTest, WithoutCallsItWantsNothing) {
  Seat& seat = this->enter();
  EXPECT_EQ(this->lane.waiting(), 0U);
  EXPECT_EQ(this->lane.wanted_workers(), 0U);
  EXPECT_FALSE(this->lane.has_work_for(seat));
  EXPECT_FALSE(this->lane.keeps_workers());
  this->has.roster.park(seat);
  EXPECT_EQ(this->lane.sleeper(), nullptr);
  EXPECT_EQ(this->drained(0), 0U);
}

TYPED_TEST(LaneTest, ACallWantsAWorkerAndWakesOneThatIsParked) {
  static_cast<void>(this->submit());
  EXPECT_EQ(this->lane.waiting(), 1U);
  EXPECT_EQ(this->lane.wanted_workers(), 1U);
  EXPECT_EQ(this->lane.sleeper(), nullptr);
  Seat& seat = this->enter();
  EXPECT_TRUE(this->lane.has_work_for(seat));
  this->has.roster.park(seat);
  EXPECT_EQ(this->lane.sleeper(), &seat);
}

TYPED_TEST(LaneTest, WantsNoMoreWorkersThanThereMayBe) {
  for (int i = 0; i < 8; ++i) static_cast<void>(this->submit());
  EXPECT_EQ(this->lane.wanted_workers(), 2U);  // of four workers, two are kept for interpreters
}

TYPED_TEST(LaneTest, GivesAWorkerACallOrAnErrandOnce) {
  static_cast<void>(this->submit());
  Seat& seat = this->enter();
  ASSERT_TRUE(this->lane.has_work_for(seat));
  const bool gave_call = static_cast<bool>(this->lane.assign(seat));
  EXPECT_NE(gave_call, seat.errand != Seat::Errand::kNone);
  EXPECT_EQ(this->lane.wanted_workers(), 0U);
  EXPECT_FALSE(this->lane.has_work_for(this->enter()));
}

TYPED_TEST(LaneTest, LetsGoOfWhatHasNotBegun) {
  for (int i = 0; i < 3; ++i) static_cast<void>(this->submit());
  EXPECT_EQ(this->drained(0), 3U);
  EXPECT_EQ(this->lane.waiting(), 0U);
  EXPECT_EQ(this->lane.wanted_workers(), 0U);
  EXPECT_FALSE(this->lane.keeps_workers());
}

TYPED_TEST(LaneTest, NobodyCanStopWhatHasNotBegunButALoop) {
  const TaskPtr task = this->submit();
  EXPECT_EQ(this->lane.interrupter_of(*task), std::shared_ptr<Interrupter>(task->port));
}

// ---- HomeLane

using HomeLaneTest = LaneTest<HomeLane>;

TEST_F(HomeLaneTest, ServesNoFurtherWorkerWhileItsShareIsAtWork) {
  for (int i = 0; i < 3; ++i) static_cast<void>(submit());
  Seat& first = enter();
  EXPECT_TRUE(lane.assign(first));
  EXPECT_TRUE(lane.assign(enter()));
  EXPECT_FALSE(lane.has_work_for(enter()));
  has.roster.serve_home(first, false);
  EXPECT_TRUE(lane.has_work_for(first));
}

TEST_F(HomeLaneTest, KeepsOutOfHostsUnlessTheyAreAllThereIs) {
  static_cast<void>(submit());
  Seat& host = enter_host();
  EXPECT_TRUE(lane.has_work_for(host));  // there is no other thread
  static_cast<void>(enter());
  EXPECT_FALSE(lane.has_work_for(host));
}

// ---- InterpreterLane

using InterpreterLaneTest = LaneTest<InterpreterLane>;

TEST_F(InterpreterLaneTest, AHostTakesACallAndAPlainWorkerBecomesAHostFirst) {
  const TaskPtr task = submit();
  static_cast<void>(submit());
  EXPECT_EQ(lane.assign(enter_host()), task);
  Seat& plain = enter();
  EXPECT_FALSE(lane.has_work_for(plain));  // an idle host is available for the other one
  has.roster.stop_searching(*has.roster.find([](const Seat& seat) { return seat.is_host(); }));
  ASSERT_TRUE(lane.has_work_for(plain));
  EXPECT_FALSE(lane.assign(plain));
  EXPECT_EQ(plain.errand, Seat::Errand::kMakeInterpreter);
  EXPECT_EQ(lane.waiting(), 1U);  // the first worker takes it
}

TEST_F(InterpreterLaneTest, KeepsTheCallsThatWorkersGetReadyFor) {
  for (int i = 0; i < 3; ++i) static_cast<void>(submit());
  EXPECT_EQ(drained(1), 2U);
  EXPECT_EQ(lane.waiting(), 1U);
}

TEST_F(InterpreterLaneTest, DuringARestItsCallsKeepWorkersThatMakeNoInterpreter) {
  static_cast<void>(submit());
  Seat& seat = enter();
  has.lifecycle.begin_rest();
  EXPECT_FALSE(lane.has_work_for(seat));
  EXPECT_TRUE(lane.keeps_workers());
  has.roster.park(seat);
  EXPECT_EQ(lane.sleeper(), nullptr);
}

TEST_F(InterpreterLaneTest, TheInterrupterIsThatOfTheWorkerWhileItHasTheCall) {
  const TaskPtr task = submit();
  Seat& host = enter_host();
  host.interrupter = std::make_shared<FakeInterrupter>();
  host.current = task.get();
  EXPECT_EQ(lane.interrupter_of(*task), nullptr);
  task->seat = &host;
  EXPECT_EQ(lane.interrupter_of(*task), host.interrupter);
  host.current = nullptr;
  EXPECT_EQ(lane.interrupter_of(*task), nullptr);
}

// ---- LoopLane

using LoopLaneTest = LaneTest<LoopLane>;

TEST_F(LoopLaneTest, AWorkerHasOneLoop) {
  static_cast<void>(submit());
  Seat& host = enter_host();
  EXPECT_FALSE(lane.assign(host));
  EXPECT_EQ(host.errand, Seat::Errand::kOpenLoop);
  static_cast<void>(submit());
  EXPECT_FALSE(lane.has_work_for(host));
  EXPECT_TRUE(lane.has_work_for(enter()));
}

TEST_F(LoopLaneTest, ALoopThatIsStillToBeMadeKeepsWorkers) {
  static_cast<void>(submit());
  EXPECT_TRUE(lane.keeps_workers());
  static_cast<void>(lane.assign(enter()));
  EXPECT_FALSE(lane.keeps_workers());
}

// ---- The lanes in a pool.

TEST(Lanes, ACallOfHomesIsNotHeldUpByALoopThatIsToBeMade) {
  Pool pool(limits(4, 2));
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Pool::Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Pool::Submitted::kNeedsThread);
  static_cast<void>(pool.take_queued());
}

TEST(Lanes, OneHostServesInterpretersAndLoops) {
  Pool pool(limits(4, 2));
  EXPECT_EQ(pool.submit(make_task(Lane::kInterpreters)), Pool::Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task(Lane::kLoops)), Pool::Submitted::kQueued);
  static_cast<void>(pool.take_queued());
}

TEST(Lanes, APoolFindsTheInterrupterOfACallByItsLane) {
  Pool pool(limits(2, 2));
  Pool other(limits(2, 2));
  const TaskPtr sent(make_task(Lane::kLoops));
  const TaskPtr queued(make_task(Lane::kInterpreters));
  static_cast<void>(pool.submit(sent));
  static_cast<void>(pool.submit(queued));
  ASSERT_TRUE(sent->port);
  EXPECT_EQ(pool.interrupter_of(*sent), sent->port);
  EXPECT_EQ(other.interrupter_of(*sent), nullptr);
  EXPECT_EQ(pool.interrupter_of(*queued), nullptr);
  static_cast<void>(pool.take_queued());
}

}  // namespace
}  // namespace aiointerpreters::pool
