// The decisions of the pool: who runs a task, who is woken, when a thread is wanted. The workers are plain threads.
#include "pool/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "fake_task.h"

namespace aiointerpreters::pool {
namespace {

using Submitted = Pool::Submitted;
using Errand = Seat::Errand;

// A worker that creates its interpreter when it is told to.
TaskPtr take_as_host(Pool& pool, Seat& seat) {
  TaskPtr task = pool.take(seat);
  if (seat.errand != Errand::kMakeInterpreter) return task;
  EXPECT_FALSE(pool.interpreter_made(seat));
  return pool.take(seat);
}

void wait_for_rest(const Pool& pool, const base::Deadline& deadline) {
  for (;;) {
    const std::uint32_t seen = pool.rest_news();
    if (pool.interpreters() == 0 || base::is_over(deadline)) return;
    static_cast<void>(pool.wait_for_rest_news(seen, deadline));
  }
}

std::vector<TaskPtr> listed(TaskList tasks) {
  std::vector<TaskPtr> all;
  while (TaskPtr task = tasks.pop()) all.push_back(std::move(task));
  return all;
}

// A pool with its threads. Each thread does the same as Worker::run.
class Workshop {
 public:
  Workshop(std::size_t max_workers, std::size_t max_interpreters) : pool(limits(max_workers, max_interpreters)) {}
  ~Workshop() { end(); }

  base::IntrusivePtr<FakeTask> submit(Lane lane) {
    auto task = make_task(lane);
    const Submitted submitted = pool.submit(task);
    EXPECT_NE(submitted, Submitted::kRefused);
    if (submitted == Submitted::kNeedsThread) threads_.emplace_back([this] { work(); });
    return task;
  }
  void end() {
    pool.close();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] std::size_t threads() const { return threads_.size(); }

  Pool pool;
  std::atomic<int> hosts{0};
  std::atomic<int> ran{0};

 private:
  void work() {
    Seat& seat = pool.enter();
    TaskPtr done;
    for (;;) {
      TaskPtr task = pool.take(seat);
      if (done) static_cast<void>(done->finish());
      done = {};
      if (!task && seat.errand == Errand::kNone) task = pool.wait(seat);
      if (seat.errand == Errand::kRest) {
        --hosts;
        pool.step_down(seat);
        continue;
      }
      if (seat.errand == Errand::kMakeInterpreter) {
        ++hosts;
        EXPECT_FALSE(pool.interpreter_made(seat));
        continue;
      }
      if (!task) break;
      if (!task->start()) {
        static_cast<void>(task->notify_cancelled());
        continue;
      }
      ++ran;
      done = std::move(task);
    }
    pool.leave(seat);
  }

  std::vector<std::thread> threads_;
};

TEST(Pool, WantsAThreadOnlyIfNobodyIsIdle) {
  Pool pool(limits(3, 3));
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kQueued);  // all three workers exist
  static_cast<void>(pool.take_queued());
}

TEST(Pool, StartsNoMoreThreadsForInterpretersThanThereMayBe) {
  Pool pool(limits(8, 2));
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kQueued);
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  static_cast<void>(pool.take_queued());
}

TEST(Pool, AWorkerIsAvailableBeforeItsTaskIsKnownToBeDone) {
  Pool pool(limits(2, 2));
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
  Seat& seat = pool.enter();
  EXPECT_TRUE(take_as_host(pool, seat));
  EXPECT_FALSE(pool.take(seat));  // it counts from here on
  EXPECT_EQ(pool.submit(make_task()), Submitted::kQueued);
  EXPECT_TRUE(pool.take(seat));
}

std::vector<WorkerView> workers_of(const Pool& pool) {
  Census census;
  return pool.workers(census);
}

TEST(Pool, ShowsWhatItsWorkersHave) {
  Pool pool(limits(2, 1));
  EXPECT_TRUE(workers_of(pool).empty());
  const TaskPtr task = make_task();
  EXPECT_EQ(pool.submit(task), Submitted::kNeedsThread);
  Seat& seat = pool.enter(7);
  EXPECT_TRUE(workers_of(pool).at(0).is_idle);
  EXPECT_FALSE(pool.take(seat));  // its errand comes first
  EXPECT_TRUE(workers_of(pool).at(0).is_making);
  EXPECT_FALSE(pool.attend(seat, nullptr, 3));
  EXPECT_FALSE(pool.interpreter_made(seat));
  const TaskPtr taken = pool.take(seat);
  {
    const std::vector<WorkerView> views = workers_of(pool);
    ASSERT_EQ(views.size(), 1U);
    EXPECT_EQ(views[0].thread, 7U);
    EXPECT_EQ(views[0].interpreter, 3);
    EXPECT_EQ(views[0].task, task);
    EXPECT_FALSE(views[0].is_idle);
  }
  EXPECT_FALSE(pool.take(seat));
  EXPECT_FALSE(workers_of(pool).at(0).task);
  pool.close();
  pool.leave(seat);
  EXPECT_TRUE(workers_of(pool).empty());
}

TEST(Pool, GivesTasksOutInTheOrderOfSubmission) {
  Pool pool(limits(1, 1));
  std::vector<TaskPtr> submitted;
  for (int i = 0; i < 6; ++i) {
    submitted.emplace_back(make_task(i % 2 == 0 ? Lane::kHome : Lane::kInterpreters));
    static_cast<void>(pool.submit(submitted.back()));
  }
  Seat& seat = pool.enter();
  for (const TaskPtr& expected : submitted) EXPECT_EQ(take_as_host(pool, seat).get(), expected.get());
}

TEST(Pool, AHostLeavesBlockingWorkToPlainWorkers) {
  Pool pool(limits(4, 1));
  static_cast<void>(pool.submit(make_task()));
  Seat& host = pool.enter();
  EXPECT_TRUE(take_as_host(pool, host));
  EXPECT_TRUE(host.is_host());
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  EXPECT_FALSE(pool.take(host));
  Seat& plain = pool.enter();
  EXPECT_TRUE(pool.take(plain));
  static_cast<void>(pool.submit(make_task()));
  EXPECT_FALSE(pool.take(plain));  // there is a host already, and only one is allowed
  EXPECT_EQ(plain.errand, Errand::kNone);
  EXPECT_TRUE(pool.take(host));
}

TEST(Pool, AHostServesHomeIfThePlainWorkersAreTooFew) {
  Pool pool(limits(4, 2));
  static_cast<void>(pool.submit(make_task()));
  Seat& host = pool.enter();
  EXPECT_TRUE(take_as_host(pool, host));
  static_cast<void>(pool.submit(make_task(Lane::kHome)));
  Seat& plain = pool.enter();
  EXPECT_TRUE(pool.take(plain));
  EXPECT_FALSE(pool.take(plain));
  EXPECT_FALSE(pool.take(host));
  // Both are available, so no thread is requested. The worker with the first task must not leave the second one alone.
  EXPECT_EQ(pool.submit(make_task()), Submitted::kQueued);
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kQueued);
  EXPECT_TRUE(pool.take(plain));
  EXPECT_TRUE(pool.take(host));
}

TEST(Pool, ATaskThatIsGivenBackKeepsItsPlace) {
  Pool pool(limits(1, 1));
  const auto first = make_task();
  const auto second = make_task();
  static_cast<void>(pool.submit(first));
  static_cast<void>(pool.submit(second));
  Seat& seat = pool.enter();
  pool.give_back(seat, take_as_host(pool, seat));
  EXPECT_EQ(pool.take(seat).get(), first.get());
  EXPECT_EQ(pool.take(seat).get(), second.get());
}

TEST(Pool, AWorkerThatWithdrawsIsNotCountedOn) {
  Pool pool(limits(2, 2));
  static_cast<void>(pool.submit(make_task()));
  Seat& seat = pool.enter();
  EXPECT_TRUE(take_as_host(pool, seat));
  EXPECT_FALSE(pool.take(seat));
  pool.withdraw(seat);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
}

TEST(Pool, EndsWhenTheLastThreadHasLeft) {
  Pool pool(limits(2, 2));
  EXPECT_TRUE(pool.ended());
  static_cast<void>(pool.submit(make_task()));
  EXPECT_FALSE(pool.ended());  // the thread is still to be started
  pool.close();
  EXPECT_EQ(pool.wait_for_end(base::Clock::now()), base::Wake::kTimedOut);
  std::thread worker([&] {
    Seat& seat = pool.enter();
    while (take_as_host(pool, seat)) {
    }
    pool.leave(seat);
  });
  EXPECT_EQ(pool.wait_for_end(base::Deadline()), base::Wake::kChanged);
  worker.join();
}

TEST(Pool, NothingIsLeftWaitingInMixedUse) {
  for (int round = 0; round < 300; ++round) {
    Workshop shop(6, 2);
    std::vector<base::IntrusivePtr<FakeTask>> tasks;
    for (int i = 0; i < 12; ++i) {
      tasks.push_back(shop.submit((round + i) % 3 == 0 ? Lane::kHome : Lane::kInterpreters));
      if (i % 4 == 3) {
        // Without closing the pool, only the submitted tasks can wake them.
        for (const auto& task : tasks) ASSERT_EQ(task->wait(base::Deadline()), base::Wake::kChanged);
      }
    }
  }
}

TEST(Pool, AThreadThatCannotStartLeavesItsTaskToTheOthers) {
  Pool pool(limits(2, 2));
  static_cast<void>(pool.submit(make_task()));
  Seat& host = pool.enter();
  EXPECT_TRUE(take_as_host(pool, host));
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  EXPECT_TRUE(pool.thread_failed());
  EXPECT_TRUE(pool.take(host));
}

TEST(Pool, RefusesTasksOnceClosed) {
  Pool pool(limits(1, 1));
  pool.close();
  EXPECT_EQ(pool.submit(make_task()), Submitted::kRefused);
  EXPECT_EQ(pool.broken(Lane::kInterpreters), nullptr);
}

TEST(Pool, HandsOutWhatIsQueuedWhenItBreaks) {
  Pool pool(limits(1, 1));
  static_cast<void>(pool.submit(make_task()));
  static_cast<void>(pool.submit(make_task(Lane::kHome)));
  const auto why = std::make_shared<const Breakage>(Breakage{"for a test", {}});
  EXPECT_EQ(listed(pool.break_down(why, Pool::Scope::kAll)).size(), 2U);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kRefused);
  EXPECT_EQ(pool.broken(Lane::kHome), why);
  static_cast<void>(pool.break_down(std::make_shared<const Breakage>(Breakage{"later", {}}), Pool::Scope::kAll));
  EXPECT_EQ(pool.broken(Lane::kHome), why);
}

TEST(Pool, RunsEverythingThatWasSubmittedBeforeItWasClosed) {
  Workshop shop(4, 2);
  constexpr int kTasks = 20'000;
  for (int i = 0; i < kTasks; ++i) static_cast<void>(shop.submit(i % 3 == 0 ? Lane::kHome : Lane::kInterpreters));
  shop.end();
  EXPECT_EQ(shop.ran, kTasks);
  EXPECT_LE(shop.hosts, 2);
}

TEST(Pool, WakesAWorkerForEveryTask) {
  Workshop shop(3, 2);
  for (int i = 0; i < 5'000; ++i) {
    const auto task = shop.submit(i % 2 == 0 ? Lane::kHome : Lane::kInterpreters);
    ASSERT_EQ(task->wait(base::Deadline()), base::Wake::kChanged);
  }
  EXPECT_LE(shop.threads(), 3U);
}

TEST(Pool, OneCallAfterTheOtherNeedsOneThread) {
  Workshop shop(4, 4);
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_EQ(shop.submit(Lane::kInterpreters)->wait(base::Deadline()), base::Wake::kChanged);
  }
  EXPECT_EQ(shop.threads(), 1U);
}

TEST(Pool, TakesTasksFromManyThreads) {
  Pool pool(limits(2, 2));
  std::atomic<int> ran{0};
  std::mutex starting;
  std::vector<std::thread> workers;
  const auto work = [&] {
    Seat& seat = pool.enter();
    for (;;) {
      TaskPtr task = pool.take(seat);
      if (!task && seat.errand == Errand::kNone) task = pool.wait(seat);
      if (seat.errand == Errand::kMakeInterpreter) {
        EXPECT_FALSE(pool.interpreter_made(seat));
        continue;
      }
      if (!task) break;
      ran += task->start() ? 1 : 0;
      static_cast<void>(task->finish());
    }
    pool.leave(seat);
  };
  std::vector<std::thread> submitters;
  for (int thread = 0; thread < 4; ++thread) {
    submitters.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) {
        if (pool.submit(make_task(i % 2 == 0 ? Lane::kHome : Lane::kInterpreters)) == Submitted::kNeedsThread) {
          const std::lock_guard lock(starting);
          workers.emplace_back(work);
        }
      }
    });
  }
  for (std::thread& thread : submitters) thread.join();
  pool.close();
  for (std::thread& thread : workers) thread.join();
  EXPECT_EQ(ran, 20'000);
  EXPECT_EQ(workers.size(), 2U);
}

TEST(Pool, BrokenInterpretersLeaveHomesTasksGoing) {
  Pool pool(limits(1, 1));
  const auto at_home = make_task(Lane::kHome);
  static_cast<void>(pool.submit(make_task()));
  static_cast<void>(pool.submit(at_home));
  const auto why = std::make_shared<const Breakage>(Breakage{"for a test", {}});
  EXPECT_EQ(listed(pool.break_down(why, Pool::Scope::kInterpreters)).size(), 1U);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kRefused);
  EXPECT_EQ(pool.broken(Lane::kInterpreters), why);
  EXPECT_EQ(pool.broken(Lane::kHome), nullptr);
  Seat& seat = pool.enter();
  EXPECT_EQ(pool.take(seat).get(), at_home.get());
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kQueued);
}

TEST(Pool, WhoCannotBeAHostLeavesItsTasksToTheHostsThatThereAre) {
  Pool pool(limits(3, 3));
  for (int i = 0; i < 3; ++i) static_cast<void>(pool.submit(make_task()));
  Seat& host = pool.enter();
  EXPECT_TRUE(take_as_host(pool, host));
  Seat& unlucky = pool.enter();
  EXPECT_FALSE(pool.take(unlucky));
  EXPECT_EQ(unlucky.errand, Errand::kMakeInterpreter);
  EXPECT_EQ(pool.interpreters(), 2U);
  const auto why = std::make_shared<const Breakage>(Breakage{"for a test", {}});
  TaskList left;
  EXPECT_TRUE(pool.interpreter_failed(unlucky, why, left));
  EXPECT_EQ(pool.interpreters(), 1U);
  EXPECT_FALSE(pool.take(unlucky));  // not immediately again
  EXPECT_EQ(unlucky.errand, Errand::kNone);
  EXPECT_TRUE(pool.take(host));
  EXPECT_TRUE(pool.take(host));
  EXPECT_TRUE(left.empty());
  EXPECT_EQ(pool.broken(Lane::kInterpreters), nullptr);
}

TEST(Pool, WithoutAnyHostTasksEndAndTheNextAttemptComesLater) {
  Pool pool(limits(2, 2));
  static_cast<void>(pool.submit(make_task()));
  static_cast<void>(pool.submit(make_task()));
  Seat& seat = pool.enter();
  EXPECT_FALSE(pool.take(seat));
  const auto why = std::make_shared<const Breakage>(Breakage{"for a test", {}});
  TaskList left;
  EXPECT_FALSE(pool.interpreter_failed(seat, why, left));
  EXPECT_EQ(listed(std::move(left)).size(), 2U);
  EXPECT_EQ(pool.submit(make_task()), Submitted::kRefused);
  EXPECT_EQ(pool.broken(Lane::kInterpreters), why);
  EXPECT_EQ(pool.broken(Lane::kHome), nullptr);
  // After the pause, even if it has failed many times before.
  while (pool.broken(Lane::kInterpreters)) std::this_thread::yield();
  EXPECT_NE(pool.submit(make_task()), Submitted::kRefused);
  EXPECT_TRUE(take_as_host(pool, seat));
}

TEST(Pool, ATaskNeverWaitsForAnInterpreterWhileAnotherOneIsIdle) {
  Pool pool(limits(2, 2));
  const auto first = make_task();
  const auto second = make_task();
  static_cast<void>(pool.submit(first));
  static_cast<void>(pool.submit(second));
  Seat& host = pool.enter();
  Seat& slow = pool.enter();
  EXPECT_EQ(take_as_host(pool, host).get(), first.get());
  EXPECT_FALSE(pool.take(slow));
  EXPECT_EQ(slow.errand, Errand::kMakeInterpreter);
  EXPECT_EQ(pool.take(host).get(), second.get());  // while the other worker is still creating its own
  EXPECT_FALSE(pool.interpreter_made(slow));
  EXPECT_FALSE(pool.take(slow));
}

TEST(Pool, TaggedAndUntaggedCallsInTurnNeedOneInterpreterAndTwoThreads) {
  Workshop shop(8, 8);
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_EQ(shop.submit(i % 2 == 0 ? Lane::kInterpreters : Lane::kHome)->wait(base::Deadline()), base::Wake::kChanged);
  }
  EXPECT_EQ(shop.threads(), 2U);
  EXPECT_EQ(shop.hosts, 1);
}

TEST(Pool, BlockingTasksLeaveRoomForInterpretersThatMayBeNeeded) {
  Pool pool(limits(5, 2));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kQueued);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.take(pool.enter()));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(pool.submit(make_task()), Submitted::kNeedsThread);
    Seat& host = pool.enter();
    EXPECT_TRUE(take_as_host(pool, host));
    if (i == 1) {
      EXPECT_FALSE(pool.take(host));  // the blocking task is still waiting
    }
  }
  EXPECT_EQ(pool.census().queued, 1U);
  static_cast<void>(pool.take_queued());
}

TEST(Pool, WithAsManyInterpretersAsWorkersHostsServeHomeOnceAllThreadsAreThere) {
  Pool pool(limits(2, 2));
  static_cast<void>(pool.submit(make_task()));
  Seat& host = pool.enter();
  EXPECT_TRUE(take_as_host(pool, host));
  EXPECT_FALSE(pool.take(host));
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  EXPECT_FALSE(pool.take(host));
  Seat& plain = pool.enter();
  EXPECT_TRUE(pool.take(plain));
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kQueued);
  EXPECT_TRUE(pool.take(host));
}

// Other threads end a lent interpreter.
struct FakeLender final : Lender {
  bool end_lent() override { return true; }
  void run_addressed() override {}
};

TEST(Pool, ALentInterpreterIsEndedByWhoeverForks) {
  Pool pool(limits(1, 1));
  static_cast<void>(pool.submit(make_task()));
  Seat& seat = pool.enter();
  EXPECT_TRUE(take_as_host(pool, seat));
  FakeLender lender;
  EXPECT_EQ(pool.take_lent(), nullptr);
  EXPECT_TRUE(pool.lend(seat, lender));
  EXPECT_EQ(pool.take_lent(), nullptr);  // no fork is under way
  pool.begin_rest();
  Seat* const taken = pool.take_lent();
  ASSERT_EQ(taken, &seat);
  EXPECT_EQ(pool.take_lent(), nullptr);
  EXPECT_FALSE(pool.try_reclaim(seat));
  std::thread forker([&] { pool.return_lent(*taken, taken->lender->end_lent()); });
  pool.wait_to_reclaim(seat);
  forker.join();
  EXPECT_FALSE(seat.has_interpreter);
  EXPECT_EQ(pool.interpreters(), 0U);
  EXPECT_FALSE(seat.is_host());
  pool.end_rest();
  EXPECT_FALSE(pool.take(seat));
}

TEST(Pool, NothingIsLentDuringARest) {
  Pool pool(limits(1, 1));
  static_cast<void>(pool.submit(make_task()));
  Seat& seat = pool.enter();
  EXPECT_TRUE(take_as_host(pool, seat));
  pool.begin_rest();
  FakeLender lender;
  EXPECT_FALSE(pool.lend(seat, lender));
  pool.step_down(seat);
  EXPECT_EQ(pool.interpreters(), 0U);
  pool.end_rest();
}

struct FakeRecorder final : Recorder {
  void record(const Task&, Event event) noexcept override { queued += event == Event::kQueued ? 1 : 0; }
  int queued = 0;
};

TEST(Pool, TellsItsRecorderWhatItAccepts) {
  Pool pool(limits(1, 1));
  static_cast<void>(pool.submit(make_task()));
  FakeRecorder recorder;
  pool.set_recorder(&recorder);
  static_cast<void>(pool.submit(make_task()));
  EXPECT_EQ(recorder.queued, 1);
}

// Records the requests that it gets.
struct FakeInterrupter final : Interrupter {
  bool interrupt(TaskPtr task) noexcept override {
    target = std::move(task);
    return true;
  }
  void look(std::shared_ptr<Glance>) noexcept override {}
  bool interrupt_all() noexcept override {
    all = true;
    return true;
  }
  TaskPtr target;
  bool all = false;
};

TEST(Pool, KnowsWhoCanStopATask) {
  Pool pool(limits(1, 1));
  const auto first = make_task();
  const auto second = make_task();
  static_cast<void>(pool.submit(first));
  static_cast<void>(pool.submit(second));
  Seat& seat = pool.enter();
  EXPECT_FALSE(pool.take(seat));
  EXPECT_EQ(pool.interrupter_of(*first), nullptr);  // the interpreter is still being created
  EXPECT_FALSE(pool.interpreter_made(seat));
  EXPECT_TRUE(pool.take(seat));
  const auto interrupter = std::make_shared<FakeInterrupter>();
  EXPECT_FALSE(pool.attend(seat, interrupter));
  EXPECT_EQ(pool.interrupter_of(*first), interrupter);
  EXPECT_EQ(pool.interrupter_of(*second), nullptr);
  EXPECT_TRUE(pool.take(seat));
  EXPECT_EQ(pool.interrupter_of(*first), nullptr);
  EXPECT_EQ(pool.interrupter_of(*second), interrupter);
  EXPECT_FALSE(pool.take(seat));
  EXPECT_EQ(pool.interrupter_of(*second), nullptr);
}

TEST(Pool, StopsInterpretersThatThereAreAndThoseToCome) {
  Pool pool(limits(2, 2));
  static_cast<void>(pool.submit(make_task()));
  static_cast<void>(pool.submit(make_task()));
  Seat& early = pool.enter();
  EXPECT_TRUE(take_as_host(pool, early));
  const auto interrupter = std::make_shared<FakeInterrupter>();
  EXPECT_FALSE(pool.attend(early, interrupter));
  pool.close();
  pool.stop();
  EXPECT_TRUE(interrupter->all);
  Seat& late = pool.enter();
  EXPECT_TRUE(take_as_host(pool, late));
  EXPECT_TRUE(pool.attend(late, std::make_shared<FakeInterrupter>()));
}

TEST(Pool, RestsBetweenTwoTasks) {
  Workshop shop(3, 2);
  for (int round = 0; round < 300; ++round) {
    std::vector<base::IntrusivePtr<FakeTask>> tasks;
    for (int i = 0; i < 8; ++i) tasks.push_back(shop.submit(i % 3 == 0 ? Lane::kHome : Lane::kInterpreters));
    shop.pool.begin_rest();
    wait_for_rest(shop.pool, base::Deadline());
    EXPECT_EQ(shop.hosts, 0);
    // Tasks that are submitted meanwhile are not lost. Calls of home's go on.
    ASSERT_EQ(shop.submit(Lane::kHome)->wait(base::Deadline()), base::Wake::kChanged);
    tasks.push_back(shop.submit(Lane::kInterpreters));
    shop.pool.end_rest();
    for (const auto& task : tasks) ASSERT_EQ(task->wait(base::Deadline()), base::Wake::kChanged);
  }
}

TEST(Pool, WhatIsQueuedWhenItIsClosedDuringARestIsDoneAfterwards) {
  for (int round = 0; round < 300; ++round) {
    Workshop shop(2, 1);
    ASSERT_EQ(shop.submit(Lane::kInterpreters)->wait(base::Deadline()), base::Wake::kChanged);
    shop.pool.begin_rest();
    const auto task = shop.submit(Lane::kInterpreters);
    shop.pool.close();
    const base::Deadline patience = round % 2 == 0 ? base::Deadline() : base::Clock::now();
    wait_for_rest(shop.pool, patience);
    EXPECT_FALSE(shop.pool.ended());
    shop.pool.end_rest();
    shop.end();
    EXPECT_EQ(task->state(), Task::State::kFinished);
  }
}

TEST(Pool, LimitsMayChange) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kQueued);
  EXPECT_FALSE(pool.claim_thread());
  pool.set_limits(2, 2);
  EXPECT_TRUE(pool.claim_thread());  // waiting tasks need it already
  EXPECT_FALSE(pool.claim_thread());
  pool.set_limits(1, 1);
  EXPECT_EQ(pool.submit(make_task(Lane::kHome)), Submitted::kQueued);
  EXPECT_EQ(pool.census().threads, 2U);
  static_cast<void>(pool.take_queued());
}

TEST(Pool, TasksOfHomeAreTakenOutOneByOne) {
  Pool pool(limits(1, 1));
  const auto first = make_task(Lane::kHome);
  const auto second = make_task(Lane::kHome);
  EXPECT_EQ(pool.submit(first), Submitted::kNeedsThread);
  EXPECT_EQ(pool.submit(make_task(Lane::kInterpreters)), Submitted::kQueued);
  EXPECT_EQ(pool.submit(second), Submitted::kQueued);
  EXPECT_EQ(pool.take_queued_of_home(), first);
  EXPECT_EQ(pool.take_queued_of_home(), second);
  EXPECT_EQ(pool.take_queued_of_home(), TaskPtr());
  EXPECT_EQ(pool.census().queued, 1U);
  static_cast<void>(pool.take_queued());
}

TEST(Pool, AnOlderEnvironmentIsReplaced) {
  Pool pool(limits(1, 1));
  EXPECT_EQ(pool.environment().version(), 0U);
  auto environment = std::make_shared<Environment>();
  environment->version = 7;
  pool.environment().set(environment);
  EXPECT_EQ(pool.environment().version(), 7U);
  EXPECT_EQ(pool.environment().get(), environment);
}

}  // namespace
}  // namespace aiointerpreters::pool
