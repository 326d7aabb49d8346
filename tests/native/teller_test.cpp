// Teller: home learns of every end, in the order of the ends, before `finish` returns.
#include "pool/teller.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "base/parker.h"
#include "fake_task.h"

namespace aiointerpreters::pool {
namespace {

// A task that records when home learns of it, and holds its teller until the gate is open.
class Noted final : public Task {
 public:
  Noted(int number, std::vector<int>& told) : Task(Lane::kLoops), number_(number), told_(told) {}
  void run_at_home() override {}
  void cancel_at_home() override {}
  void visit_home_to_settle(Change how) override {
    EXPECT_EQ(how, Change::kDeliver);
    inside.unpark();
    gate.park();
    told_.push_back(number_);
  }
  void settle_at_home(Change) override {}
  void report_ignored_interrupt() override {}

  base::Parker inside;
  base::Parker gate;

 private:
  const int number_;
  std::vector<int>& told_;  // of the teller's thread
};

base::IntrusivePtr<Noted> make_noted(int number, std::vector<int>& told) {
  return base::IntrusivePtr<Noted>(std::make_unique<Noted>(number, told).release());
}

TEST(Teller, TellsInOrderWhileItIsHeldUpToo) {
  const auto teller = std::make_shared<Teller>();
  std::vector<int> told;
  std::vector<base::IntrusivePtr<Noted>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(make_noted(i, told));
  EXPECT_TRUE(teller->tell(tasks[0]));
  EXPECT_TRUE(tasks[0]->inside.park());
  for (int i = 1; i < 5; ++i) EXPECT_TRUE(teller->tell(tasks[i]));
  for (const auto& task : tasks) task->gate.unpark();
  teller->finish();
  EXPECT_EQ(told, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(Teller, SleepsBetweenTwoTasksAndIsWoken) {
  const auto teller = std::make_shared<Teller>();
  std::vector<int> told;
  for (int i = 0; i < 1000; ++i) {
    const auto task = make_noted(i, told);
    task->gate.unpark();
    EXPECT_TRUE(teller->tell(task));
    EXPECT_TRUE(task->inside.park());
  }
  teller->finish();
  EXPECT_EQ(told.size(), 1000U);
}

TEST(Teller, IsGoneWhenItHasFinished) {
  std::weak_ptr<Teller> gone;
  {
    const auto teller = std::make_shared<Teller>();
    gone = teller;
    const auto task = make_task();
    EXPECT_TRUE(teller->tell(task));
    teller->finish();
    EXPECT_EQ(task->settled, 1);
  }
  EXPECT_TRUE(gone.expired());
}

TEST(Teller, WithoutAnythingToTellNeedsNoThread) { std::make_shared<Teller>()->finish(); }

}  // namespace
}  // namespace aiointerpreters::pool
