// The state word of a task: which thread wins, which one is woken, which one delivers.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "fake_task.h"
#include "pool/task_queue.h"

namespace aiointerpreters::pool {
namespace {

using Change = Task::Change;
using State = Task::State;

TEST(Task, RunsThroughItsStates) {
  const auto task = make_task();
  EXPECT_EQ(task->state(), State::kPending);
  EXPECT_TRUE(task->start());
  EXPECT_EQ(task->state(), State::kRunning);
  EXPECT_FALSE(task->done());
  EXPECT_EQ(task->finish(), Change::kQuiet);
  EXPECT_EQ(task->state(), State::kFinished);
  EXPECT_TRUE(task->done());
}

TEST(Task, StartsOnceAndIsNotCancelledThen) {
  const auto task = make_task();
  EXPECT_TRUE(task->start());
  EXPECT_FALSE(task->start());
  EXPECT_EQ(task->cancel(), Change::kLost);
}

TEST(Task, DoesNotStartOnceCancelled) {
  const auto task = make_task();
  EXPECT_EQ(task->cancel(), Change::kQuiet);
  EXPECT_FALSE(task->start());
  EXPECT_EQ(task->finish(), Change::kLost);
  EXPECT_EQ(task->state(), State::kCancelled);
  EXPECT_FALSE(task->notified());
  EXPECT_EQ(task->notify_cancelled(), Change::kQuiet);
  EXPECT_TRUE(task->notified());
  EXPECT_EQ(task->notify_cancelled(), Change::kLost);
}

TEST(Task, IsDeliveredIfThatWasAskedInTime) {
  const auto early = make_task();
  EXPECT_TRUE(early->request_delivery().open());
  EXPECT_TRUE(early->start());
  EXPECT_EQ(early->finish(), Change::kDeliver);

  const auto late = make_task();
  EXPECT_TRUE(late->start());
  EXPECT_EQ(late->finish(), Change::kQuiet);
  EXPECT_FALSE(late->request_delivery().open());
}

TEST(Task, AFinishedTaskIsNotToldTwice) {
  const auto task = make_task();
  EXPECT_TRUE(task->request_delivery().open());
  EXPECT_TRUE(task->start());
  EXPECT_EQ(task->finish(), Change::kDeliver);
  EXPECT_EQ(task->notify_cancelled(), Change::kLost);
}

TEST(Task, ACancelledTaskStaysOpenUntilTheQueueLetsGo) {
  const auto task = make_task();
  EXPECT_EQ(task->cancel(), Change::kQuiet);
  EXPECT_TRUE(task->request_delivery().open());
  EXPECT_EQ(task->notify_cancelled(), Change::kDeliver);
  EXPECT_FALSE(task->request_delivery().open());
}

TEST(Task, AnEndThatIsToBeDeliveredIsSeenOnceItIsShown) {
  const auto task = make_task();
  EXPECT_TRUE(task->request_delivery().open());
  EXPECT_EQ(task->shown().state, State::kPending);
  EXPECT_TRUE(task->start());
  EXPECT_EQ(task->finish(), Change::kDeliver);
  EXPECT_TRUE(task->done());
  EXPECT_EQ(task->shown().state, State::kRunning);
  EXPECT_TRUE(task->show());
  EXPECT_EQ(task->shown().state, State::kFinished);

  const auto quiet = make_task();
  EXPECT_TRUE(quiet->start());
  EXPECT_EQ(quiet->finish(), Change::kQuiet);
  EXPECT_EQ(quiet->shown().state, State::kFinished);
  EXPECT_FALSE(quiet->request_delivery().open());
  EXPECT_EQ(quiet->shown().state, State::kFinished);
}

TEST(Task, WaitersHearOfACancelledTaskWhenTheQueueHasLetGoOfIt) {
  const auto task = make_task();
  EXPECT_TRUE(task->request_delivery().open());
  EXPECT_EQ(task->cancel(), Change::kDeliver);
  EXPECT_EQ(task->shown().state, State::kRunning);
  EXPECT_FALSE(task->show());
  EXPECT_EQ(task->shown().state, State::kCancelled);
  EXPECT_EQ(task->notify_cancelled(), Change::kDeliver);
  EXPECT_FALSE(task->shown().notified);
  EXPECT_TRUE(task->show());
  EXPECT_TRUE(task->shown().notified);
  EXPECT_FALSE(task->show());
}

TEST(Task, GoesToItsMailboxUnlessDeliveryIsAskedForToo) {
  const MailboxPtr mailbox(std::make_unique<Mailbox>(base::Wakeup::open()).release());
  const auto mailed = make_task();
  EXPECT_TRUE(mailed->request_mail(mailbox).open());
  EXPECT_TRUE(mailed->start());
  EXPECT_EQ(mailed->finish(), Change::kMail);
  EXPECT_FALSE(mailed->needs_home(Change::kMail));
  EXPECT_EQ(mailbox->take().pop(), mailed);
  EXPECT_FALSE(mailed->request_delivery().open());

  const auto delivered = make_task();
  EXPECT_TRUE(delivered->request_mail(mailbox).open());
  EXPECT_TRUE(delivered->request_delivery().open());
  EXPECT_TRUE(delivered->start());
  EXPECT_EQ(delivered->finish(), Change::kDeliver);
  EXPECT_TRUE(delivered->needs_home(Change::kDeliver));
  EXPECT_TRUE(mailbox->take().empty());
}

TEST(Task, EveryEndIsMailedOrWasThereWhenMailWasAskedFor) {
  for (int round = 0; round < 500; ++round) {
    const MailboxPtr mailbox(std::make_unique<Mailbox>(base::Wakeup::open()).release());
    const auto task = make_task();
    ASSERT_TRUE(task->start());
    bool open = false;
    std::thread home([&] { open = task->request_mail(mailbox).open(); });
    const Change change = task->finish();
    static_cast<void>(task->needs_home(change));
    home.join();
    ASSERT_EQ(open, change == Change::kMail);
    ASSERT_NE(open, mailbox->take().empty());
  }
}

TEST(Task, EndsBroken) {
  const auto why = std::make_shared<const Breakage>(Breakage{"for a test", {}});
  const auto task = make_task();
  EXPECT_EQ(task->end_broken(why), Change::kQuiet);
  EXPECT_EQ(task->state(), State::kFinished);
  EXPECT_EQ(task->outcome, Task::Outcome::kBroken);
  EXPECT_EQ(task->breakage, why);

  const auto cancelled = make_task();
  EXPECT_EQ(cancelled->cancel(), Change::kQuiet);
  EXPECT_EQ(cancelled->end_broken(why), Change::kQuiet);
  EXPECT_TRUE(cancelled->notified());
}

TEST(Task, WaitingEndsWithTheTask) {
  for (int round = 0; round < 500; ++round) {
    const auto task = make_task();
    std::thread worker([&] {
      if (task->start()) {
        task->message.bytes.push_back('x');
        static_cast<void>(task->finish());
      }
    });
    EXPECT_EQ(task->wait(base::Deadline()), base::Wake::kChanged);
    EXPECT_EQ(task->message.bytes.size(), 1U);  // the worker's writes are visible, and TSan agrees
    worker.join();
  }
}

TEST(Task, WaitingEndsAtTheDeadline) {
  const auto task = make_task();
  EXPECT_EQ(task->wait(base::Clock::now() + std::chrono::milliseconds(1)), base::Wake::kTimedOut);
  EXPECT_FALSE(task->spin(std::chrono::nanoseconds(1)).found);
}

TEST(Task, ExactlyOneOfStartAndCancelWins) {
  for (int round = 0; round < 500; ++round) {
    const auto task = make_task();
    bool cancelled = false;
    std::thread home([&] { cancelled = task->cancel() != Change::kLost; });
    const bool ran = task->start();
    home.join();
    ASSERT_NE(ran, cancelled);
  }
}

TEST(Task, ExactlyOneDeliveryOrNone) {
  for (int round = 0; round < 500; ++round) {
    const auto task = make_task();
    ASSERT_TRUE(task->start());
    bool open = false;
    std::thread home([&] { open = task->request_delivery().open(); });
    const Change change = task->finish();
    home.join();
    ASSERT_EQ(open, change == Change::kDeliver);
  }
}

TEST(TaskQueue, IsFirstInFirstOut) {
  TaskQueue queue;
  TaskQueue other;
  std::vector<Task*> order;
  for (std::uint64_t number = 0; number < 5; ++number) {
    const auto task = make_task();
    order.push_back(task.get());
    queue.push(task, number);
  }
  other.push(make_task(), 3);
  EXPECT_EQ(queue.size(), 5U);
  EXPECT_TRUE(queue.older_than(other));
  for (Task* expected : order) EXPECT_EQ(queue.pop().get(), expected);
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.pop());
}

TEST(TaskQueue, LetsGoOfItsTasks) {
  const auto task = make_task();
  {
    TaskQueue queue;
    queue.push(task, 0);
  }
  EXPECT_TRUE(task->start());  // ASan would report a task that the queue has destroyed
}

TEST(Task, OnlyARunningTaskIsInterrupted) {
  const auto task = make_task();
  EXPECT_FALSE(task->request_interrupt());
  EXPECT_FALSE(task->interrupted());
  EXPECT_TRUE(task->start());
  EXPECT_TRUE(task->request_interrupt());
  EXPECT_TRUE(task->request_interrupt());
  EXPECT_EQ(task->state(), State::kRunning);
  EXPECT_EQ(task->finish(), Change::kQuiet);
  EXPECT_TRUE(task->interrupted());
  EXPECT_FALSE(task->request_interrupt());
}

TEST(Task, AnInterruptComesBeforeTheEndOrNotAtAll) {
  for (int round = 0; round < 2'000; ++round) {
    const auto task = make_task();
    ASSERT_TRUE(task->start());
    std::thread worker([&] { static_cast<void>(task->finish()); });
    const bool requested = task->request_interrupt();
    worker.join();
    ASSERT_EQ(task->interrupted(), requested);
  }
}

}  // namespace
}  // namespace aiointerpreters::pool
