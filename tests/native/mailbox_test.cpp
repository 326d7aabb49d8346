// Wakeup and Mailbox: no posted task is lost, and one wake-up covers all tasks posted before the mailbox was read.
#include "pool/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/wakeup.h"
#include "fake_task.h"

namespace aiointerpreters::pool {
namespace {

bool is_readable(int fd) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, 0) == 1;
}

void wait_until_readable(int fd) {
  pollfd waited{fd, POLLIN, 0};
  ASSERT_EQ(::poll(&waited, 1, -1), 1);
}

MailboxPtr open_mailbox() { return MailboxPtr(std::make_unique<Mailbox>(base::Wakeup::open()).release()); }

std::vector<TaskPtr> all_of(TaskList mail) {
  std::vector<TaskPtr> tasks;
  while (TaskPtr task = mail.pop()) tasks.push_back(std::move(task));
  return tasks;
}

// A task that reports its destruction.
class Watched final : public Task {
 public:
  explicit Watched(int& gone) : Task(Lane::kInterpreters), gone_(gone) {}
  ~Watched() override { ++gone_; }
  void run_at_home() override {}
  void cancel_at_home() override {}
  void visit_home_to_settle(Change) override {}
  void settle_at_home(Change) override {}
  void report_ignored_interrupt() override {}

 private:
  int& gone_;
};

TaskPtr make_watched(int& gone) { return TaskPtr(std::make_unique<Watched>(gone).release()); }

TEST(Wakeup, IsReadableFromSignalToClear) {
  base::Wakeup wakeup = base::Wakeup::open();
  ASSERT_NE(wakeup.fd(), base::Wakeup::kNone);
  EXPECT_FALSE(is_readable(wakeup.fd()));
  wakeup.signal();
  wakeup.signal();
  EXPECT_TRUE(is_readable(wakeup.fd()));
  wakeup.clear();
  EXPECT_FALSE(is_readable(wakeup.fd()));
}

TEST(Wakeup, HasNoDescriptorOnceItIsClosedOrMoved) {
  base::Wakeup wakeup = base::Wakeup::open();
  base::Wakeup other = std::move(wakeup);
  EXPECT_NE(other.fd(), base::Wakeup::kNone);
  EXPECT_EQ(wakeup.fd(), base::Wakeup::kNone);  // NOLINT(bugprone-use-after-move): this is what is tested
  other.close();
  EXPECT_EQ(other.fd(), base::Wakeup::kNone);
}

TEST(TaskList, KeepsTheOrder) {
  const MailboxPtr mailbox = open_mailbox();
  std::vector<TaskPtr> posted;
  for (int i = 0; i < 5; ++i) posted.emplace_back(make_task());
  for (int i = 1; i < 3; ++i) EXPECT_TRUE(mailbox->post(posted[static_cast<std::size_t>(i)]));
  TaskList mail = mailbox->take();
  for (int i = 3; i < 5; ++i) EXPECT_TRUE(mailbox->post(posted[static_cast<std::size_t>(i)]));
  mail.append(mailbox->take());
  mail.append(mailbox->take());  // nothing
  mail.push_front(posted[0]);
  EXPECT_EQ(all_of(std::move(mail)), posted);
}

TEST(TaskList, CanBeFilledAgain) {
  const MailboxPtr mailbox = open_mailbox();
  TaskList mail;
  const TaskPtr first(make_task());
  const TaskPtr second(make_task());
  mail.push_front(first);
  EXPECT_EQ(mail.pop(), first);
  EXPECT_TRUE(mail.empty());
  EXPECT_TRUE(mailbox->post(second));
  mail.append(mailbox->take());
  EXPECT_EQ(mail.pop(), second);
  EXPECT_EQ(mail.pop(), TaskPtr());
}

TEST(Mailbox, WakesOnceForEachBatch) {
  const MailboxPtr mailbox = open_mailbox();
  EXPECT_FALSE(is_readable(mailbox->fd()));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(mailbox->post(make_task()));
  EXPECT_TRUE(is_readable(mailbox->fd()));
  EXPECT_EQ(all_of(mailbox->take()).size(), 3U);
  EXPECT_FALSE(is_readable(mailbox->fd()));
  EXPECT_TRUE(mailbox->post(make_task()));
  EXPECT_TRUE(is_readable(mailbox->fd()));
}

TEST(Mailbox, CanBeReminded) {
  const MailboxPtr mailbox = open_mailbox();
  mailbox->remind();
  EXPECT_TRUE(is_readable(mailbox->fd()));
  EXPECT_TRUE(mailbox->take().empty());
  EXPECT_FALSE(is_readable(mailbox->fd()));
}

TEST(Mailbox, WithoutADescriptorWhoComesFirstHasToWakeTheLoop) {
  const MailboxPtr mailbox(std::make_unique<Mailbox>(base::Wakeup()).release());
  EXPECT_FALSE(mailbox->post(make_task()));
  EXPECT_TRUE(mailbox->post(make_task()));
  EXPECT_EQ(all_of(mailbox->take()).size(), 2U);
  EXPECT_FALSE(mailbox->post(make_task()));
}

TEST(Mailbox, DropsWhatComesOnceItIsClosed) {
  int gone = 0;
  const MailboxPtr mailbox = open_mailbox();
  EXPECT_TRUE(mailbox->post(make_watched(gone)));
  mailbox->close();
  EXPECT_EQ(gone, 1);
  EXPECT_TRUE(mailbox->post(make_watched(gone)));
  EXPECT_EQ(gone, 2);
  EXPECT_TRUE(mailbox->take().empty());
  mailbox->remind();
  mailbox->close();
}

TEST(Mailbox, LetsGoOfItsMailAtItsEnd) {
  int gone = 0;
  MailboxPtr mailbox = open_mailbox();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(mailbox->post(make_watched(gone)));
  mailbox = {};
  EXPECT_EQ(gone, 3);
}

TEST(Mailbox, LosesNothingThatManyThreadsPost) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  const MailboxPtr mailbox = open_mailbox();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&mailbox] {
      for (int task = 0; task < kEach; ++task) EXPECT_TRUE(mailbox->post(make_task()));
    });
  }
  std::size_t taken = 0;
  while (taken < static_cast<std::size_t>(kThreads) * kEach) {
    wait_until_readable(mailbox->fd());  // hangs if a wake-up is lost
    taken += all_of(mailbox->take()).size();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, static_cast<std::size_t>(kThreads) * kEach);
  EXPECT_TRUE(mailbox->take().empty());
}

TEST(Mailbox, MayBeClosedWhileOthersPost) {
  for (int round = 0; round < 200; ++round) {
    const MailboxPtr mailbox = open_mailbox();
    std::thread poster([&mailbox] {
      for (int i = 0; i < 50; ++i) static_cast<void>(mailbox->post(make_task()));
    });
    mailbox->close();
    poster.join();
    EXPECT_TRUE(mailbox->take().empty());
  }
}

}  // namespace
}  // namespace aiointerpreters::pool
