// Questions of what an interpreter runs, and their answers.
#include "pool/glance.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "fake_task.h"

namespace aiointerpreters::pool {
namespace {

TEST(Glance, HasNoAnswerWhenTheTimeIsOver) {
  const Glance glance;
  glance.wait(base::Clock::now() + std::chrono::milliseconds(1));
  EXPECT_EQ(glance.answer(), nullptr);
  EXPECT_FALSE(glance.refused());
}

TEST(Glance, WakesWhoWaitsForTheAnswer) {
  Glance glance;
  std::thread visitor([&] {
    std::vector<Activity> activities(2);
    activities[1].name = "second";
    glance.show(std::move(activities));
  });
  glance.wait(base::Deadline());
  visitor.join();
  ASSERT_NE(glance.answer(), nullptr);
  EXPECT_EQ(glance.answer()->at(1).name, "second");
}

TEST(Glance, WakesWhoWaitsIfItIsRefused) {
  Glance glance;
  std::thread visitor([&] { glance.refuse(); });
  glance.wait(base::Deadline());
  visitor.join();
  EXPECT_EQ(glance.answer(), nullptr);
  EXPECT_TRUE(glance.refused());
}

TEST(Glance, NamesCalls) {
  const auto task = make_task();
  EXPECT_EQ(name_of_call(*task), "");
  codec::CallableRef by_value;
  by_value.qualname = "outer.<locals>.inner";
  task->callable = std::make_shared<const codec::CallableRef>(std::move(by_value));
  EXPECT_EQ(name_of_call(*task), "outer.<locals>.inner");
  codec::CallableRef by_reference;
  by_reference.module = "package.module";
  by_reference.qualname = "function";
  task->callable = std::make_shared<const codec::CallableRef>(std::move(by_reference));
  EXPECT_EQ(name_of_call(*task), "package.module.function");
}

}  // namespace
}  // namespace aiointerpreters::pool
