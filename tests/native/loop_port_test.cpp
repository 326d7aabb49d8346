// LoopPort: a cancellation reaches the loop and the visitor once, with one wake-up, however often it is requested.
#include "pool/loop_port.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <utility>
#include <vector>

#include "fake_task.h"

namespace aiointerpreters::pool {
namespace {

class FakeVisitor final : public Interrupter {
 public:
  bool interrupt(TaskPtr task) noexcept override {
    if (has_thread) tasks.push_back(std::move(task));
    return has_thread;
  }
  void look(std::shared_ptr<Glance>) noexcept override {}
  bool interrupt_all() noexcept override { return true; }

  std::vector<TaskPtr> tasks;
  bool has_thread = true;
};

bool is_readable(int fd) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, 0) == 1;
}

std::vector<TaskPtr> cancelled(LoopPort& port) {
  std::vector<TaskPtr> tasks;
  while (TaskPtr task = port.next_cancelled()) tasks.push_back(std::move(task));
  return tasks;
}

TEST(LoopPort, CancelsInTheOrderOfTheRequests) {
  LoopPort port;
  const auto visitor = std::make_shared<FakeVisitor>();
  port.set_visitor(visitor);
  std::vector<TaskPtr> tasks;
  for (int i = 0; i < 1000; ++i) tasks.push_back(make_task());
  for (const TaskPtr& task : tasks) EXPECT_TRUE(port.interrupt(task));
  EXPECT_EQ(cancelled(port), tasks);
  EXPECT_EQ(visitor->tasks, tasks);
}

TEST(LoopPort, CancelsOnceWhatIsAskedForAgainBeforeThat) {
  LoopPort port;
  const auto visitor = std::make_shared<FakeVisitor>();
  port.set_visitor(visitor);
  const auto task = make_task();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(port.interrupt(task));
  EXPECT_EQ(cancelled(port).size(), 1U);
  EXPECT_TRUE(port.interrupt(task));  // a later request cancels it again
  EXPECT_EQ(cancelled(port).size(), 1U);
  EXPECT_EQ(visitor->tasks.size(), 1U);
}

TEST(LoopPort, IsWokenOnceForAllThatIsToBeCancelled) {
  LoopPort port;
  const int fd = port.mailbox->fd();
  EXPECT_TRUE(port.interrupt(make_task()));
  EXPECT_TRUE(is_readable(fd));
  port.collect();
  EXPECT_FALSE(is_readable(fd));
  EXPECT_TRUE(port.interrupt(make_task()));  // the loop handles this one too before it waits again
  EXPECT_FALSE(is_readable(fd));
  EXPECT_EQ(cancelled(port).size(), 2U);
  EXPECT_TRUE(port.interrupt(make_task()));
  EXPECT_TRUE(is_readable(fd));
}

TEST(LoopPort, CancelsBeforeThereIsAVisitorToo) {
  LoopPort port;
  const auto visitor = std::make_shared<FakeVisitor>();
  const auto task = make_task();
  EXPECT_TRUE(port.interrupt(task));
  port.set_visitor(visitor);
  EXPECT_EQ(cancelled(port).size(), 1U);
  EXPECT_TRUE(port.interrupt(task));
  EXPECT_EQ(visitor->tasks.size(), 1U);
  EXPECT_FALSE(port.stopped());
  EXPECT_TRUE(port.interrupt_all());
  EXPECT_TRUE(port.stopped());
}

TEST(LoopPort, WithoutAVisitorsThreadWhoAsksAgainTriesAgain) {
  LoopPort port;
  const auto visitor = std::make_shared<FakeVisitor>();
  port.set_visitor(visitor);
  visitor->has_thread = false;
  const auto task = make_task();
  EXPECT_FALSE(port.interrupt(task));
  EXPECT_EQ(cancelled(port).size(), 1U);
  visitor->has_thread = true;
  EXPECT_TRUE(port.interrupt(task));
  EXPECT_EQ(visitor->tasks.size(), 1U);
}

}  // namespace
}  // namespace aiointerpreters::pool
