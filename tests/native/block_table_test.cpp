// Blocks of memory by their addresses: the block that contains given bytes, and its owner over time.
#include "codec/block_table.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace aiointerpreters::codec {
namespace {

std::atomic<int> alive{0};

class Block final : public base::Counted {
 public:
  Block() { ++alive; }
  ~Block() override { --alive; }
};
using Table = BlockTable<Block>;

base::IntrusivePtr<Block> make_block() { return base::IntrusivePtr<Block>(std::make_unique<Block>().release()); }

TEST(BlockTable, FindsTheBlockThatHasAllOfTheBytes) {
  std::array<char, 100> memory{};
  Table table;
  const auto first = make_block();
  const auto second = make_block();
  EXPECT_FALSE(table.add(memory.data() + 10, 20, first));
  EXPECT_FALSE(table.add(memory.data() + 30, 20, second));
  EXPECT_EQ(table.find(memory.data() + 10, 20).first, first);
  EXPECT_EQ(table.find(memory.data() + 29, 1).first, first);
  EXPECT_EQ(table.find(memory.data() + 30, 1).first, second);
  EXPECT_EQ(table.find(memory.data() + 49, 1).second, 20U);
  EXPECT_FALSE(table.find(memory.data() + 25, 10).first);
  EXPECT_FALSE(table.find(memory.data() + 9, 2).first);
  EXPECT_FALSE(table.find(memory.data() + 50, 1).first);
  EXPECT_FALSE(table.find(memory.data() + 40, static_cast<std::size_t>(-1)).first);
}

TEST(BlockTable, TakesOutOnlyWhatBeginsThere) {
  std::array<char, 100> memory{};
  Table table;
  EXPECT_FALSE(table.add(memory.data(), 100, make_block()));
  EXPECT_FALSE(table.take(memory.data() + 1));
  EXPECT_EQ(alive, 1);
  EXPECT_TRUE(table.take(memory.data()));
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(table.take(memory.data()));
  EXPECT_FALSE(table.find(memory.data(), 1).first);
}

TEST(BlockTable, ABlockThatWasGivenBackPastItIsReplaced) {
  std::array<char, 100> memory{};
  Table table;
  EXPECT_FALSE(table.add(memory.data(), 100, make_block()));
  const auto second = make_block();
  EXPECT_TRUE(table.add(memory.data(), 10, second));
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(table.find(memory.data(), 10).first.get(), second.get());
  EXPECT_FALSE(table.find(memory.data(), 11).first);
}

TEST(BlockTable, ABlockThatWasFoundStaysWhenItIsTakenOut) {
  std::array<char, 10> memory{};
  Table table;
  EXPECT_FALSE(table.add(memory.data(), 10, make_block()));
  auto found = table.find(memory.data(), 10).first;
  EXPECT_TRUE(table.take(memory.data()));
  EXPECT_EQ(alive, 1);
  found = {};
  EXPECT_EQ(alive, 0);
}

TEST(BlockTable, ManyThreadsUseIt) {
  constexpr std::size_t kThreads = 4;
  std::array<char, kThreads * 100> memory{};
  Table table;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (std::size_t part = 0; part < kThreads; ++part) {
    threads.emplace_back([&table, begin = memory.data() + part * 100] {
      for (int round = 0; round < 1000; ++round) {
        EXPECT_FALSE(table.add(begin, 100, make_block()));
        EXPECT_TRUE(table.find(begin + 50, 50).first);
        EXPECT_TRUE(table.take(begin));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace aiointerpreters::codec
