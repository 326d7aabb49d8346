// The primitives of core/base.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/cpu.h"
#include "base/intrusive.h"
#include "base/memory.h"
#include "base/mutex.h"
#include "base/parker.h"
#include "base/spin.h"
#include "base/thread.h"

namespace aiointerpreters::base {
namespace {

constexpr int kThreads = 4;

template <typename Body>
void in_threads(int count, Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

std::string_view content(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

TEST(Toolchain, AtomicsThatAreWaitedOnAreLockFree) { EXPECT_TRUE(std::atomic<std::uint32_t>::is_always_lock_free); }

TEST(Mutex, KeepsThreadsApart) {
  Mutex mutex;
  long count = 0;  // not atomic, so TSan reports a lock that does not work
  in_threads(kThreads, [&](int) {
    for (int i = 0; i < 20'000; ++i) {
      Lock lock(mutex);
      ++count;
    }
  });
  EXPECT_EQ(count, 20'000L * kThreads);
}

TEST(Parker, KeepsAWakeUpThatComesFirst) {
  Parker parker;
  parker.unpark();
  EXPECT_TRUE(parker.park());
}

TEST(Parker, GivesUpAtTheDeadline) {
  Parker parker;
  EXPECT_FALSE(parker.park(Clock::now()));
  EXPECT_FALSE(parker.park(Clock::now() + std::chrono::milliseconds(1)));
}

TEST(Parker, LosesNoWakeUp) {
  Parker here;
  Parker there;
  constexpr int kRounds = 5'000;
  std::thread partner([&] {
    for (int i = 0; i < kRounds; ++i) {
      there.park();
      here.unpark();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    there.unpark();
    ASSERT_TRUE(here.park());
  }
  partner.join();
}

TEST(Futex, ReturnsAtOnceIfTheWordHasAnotherValue) {
  const std::atomic<std::uint32_t> word{1};
  EXPECT_EQ(wait_on(word, 0, Deadline()), Wake::kChanged);
}

TEST(Futex, TimesOutInThePast) {
  const std::atomic<std::uint32_t> word{1};
  EXPECT_EQ(wait_on(word, 1, Clock::now() - std::chrono::seconds(1)), Wake::kTimedOut);
}

TEST(Spin, AnswersAsTheConditionDoes) {
  EXPECT_TRUE(spin_until([] { return true; }, std::chrono::nanoseconds(0)).found);
  EXPECT_FALSE(spin_until([] { return false; }, std::chrono::nanoseconds(1)).found);
  int looks = 0;
  EXPECT_TRUE(spin_until([&] { return ++looks == 3; }, std::chrono::seconds(60)).found);
  EXPECT_EQ(looks, 3);
}

TEST(Spin, KnowsThatItWasTakenOffItsProcessor) {
  bool stayed_away = false;
  const auto stay_away_once = [&] {
    if (stayed_away) return true;
    stayed_away = true;
    for (const Clock::time_point back = Clock::now() + 2 * kRobbed; Clock::now() < back;) continue;
    return false;
  };
  EXPECT_TRUE(
      spin_until([looks = 0, stay_away_once]() mutable { return ++looks > 1 && stay_away_once(); }, std::chrono::seconds(60))
          .robbed);
}

TEST(Cpu, KnowsAtLeastOneProcessor) { EXPECT_GE(usable_cpus(), 1U); }

TEST(Cpu, AThreadCanLeaveItsProcessorAndKeepsItsAffinity) {
  const unsigned before = usable_cpus();
  std::thread([&] {
    leave_cpu(current_cpu());
    EXPECT_EQ(usable_cpus(), before);
  }).join();
}

TEST(Bytes, KeepsSmallContentInside) {
  Bytes bytes;
  bytes.append("abc", 3);
  const auto* start = reinterpret_cast<const unsigned char*>(&bytes);
  EXPECT_TRUE(bytes.data() >= start && bytes.data() < start + sizeof bytes);
  EXPECT_EQ(content(bytes), "abc");
}

TEST(Bytes, GrowsAndKeepsWhatItHas) {
  Bytes bytes;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const auto byte = static_cast<unsigned char>('a' + i % 26);
    bytes.push_back(byte);
    expected.push_back(static_cast<char>(byte));
  }
  EXPECT_EQ(content(bytes), expected);
  bytes.clear();
  EXPECT_TRUE(bytes.empty());
}

TEST(Bytes, MovesInsideAndOnTheHeap) {
  for (const std::size_t size : {std::size_t{5}, Bytes::kInline, Bytes::kInline + 1, std::size_t{5000}}) {
    const std::string text(size, 'x');
    Bytes first;
    first.append(text.data(), text.size());
    Bytes second(std::move(first));
    EXPECT_EQ(content(second), text);
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): moved-from is empty, that is the contract
    first.append("again", 5);
    EXPECT_EQ(content(first), "again");
    first = std::move(second);
    EXPECT_EQ(content(first), text);
  }
}

TEST(Bytes, RefusesImpossibleSizes) {
  Bytes bytes;
  bytes.append("abc", 3);
  EXPECT_THROW(static_cast<void>(bytes.reserve(static_cast<std::size_t>(-1))), std::bad_alloc);
  EXPECT_EQ(content(bytes), "abc");
}

struct Noted final : Counted {
  explicit Noted(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~Noted() override { --alive_; }
  std::atomic<int>& alive_;
};

TEST(IntrusivePtr, DestroysWithTheLastOwner) {
  std::atomic<int> alive{0};
  IntrusivePtr<Noted> one(std::make_unique<Noted>(alive).release());
  IntrusivePtr<Noted> two = one;
  one = {};
  EXPECT_EQ(alive, 1);
  IntrusivePtr<Noted> three = IntrusivePtr<Noted>::adopt(two.release());
  EXPECT_FALSE(two);
  EXPECT_EQ(alive, 1);
  three = {};
  EXPECT_EQ(alive, 0);
}

TEST(IntrusivePtr, IsSharedBetweenThreads) {
  std::atomic<int> alive{0};
  for (int round = 0; round < 200; ++round) {
    IntrusivePtr<Noted> shared(std::make_unique<Noted>(alive).release());
    std::array<IntrusivePtr<Noted>, kThreads> owners;
    owners.fill(shared);
    shared = {};
    in_threads(kThreads, [&](int i) { owners[static_cast<std::size_t>(i)] = {}; });
    ASSERT_EQ(alive, 0);
  }
}

TEST(IntrusivePtr, IsNotHadOfWhatIsBeingDestroyed) {
  for (int round = 0; round < 200; ++round) {
    // In the way of a registry: a leaving thread removes itself from the list under the lock, before its memory is freed.
    struct Listed : Counted {
      Listed(Mutex& of, Listed*& at) : mutex(of), place(at) {}
      ~Listed() override {
        Lock lock(mutex);
        place = nullptr;
      }
      Mutex& mutex;
      Listed*& place;
    };
    Mutex mutex;
    Listed* place = nullptr;
    IntrusivePtr<Listed> owner(std::make_unique<Listed>(mutex, place).release());
    place = owner.get();
    in_threads(2, [&](int i) {
      IntrusivePtr<Listed> dropped;
      if (i == 0) {
        dropped = std::exchange(owner, {});
      } else {
        Lock lock(mutex);
        if (place != nullptr) dropped = IntrusivePtr<Listed>::if_alive(place);
        EXPECT_TRUE(!dropped || dropped.get() == place);
      }
    });
    EXPECT_EQ(place, nullptr);
  }
}

TEST(Thread, RunsItsBodyAndIsJoined) {
  Thread thread;
  EXPECT_FALSE(thread.running());
  for (int round = 1; round <= 3; ++round) {
    int done = 0;
    ASSERT_TRUE(thread.start("test", [&] { done = round; }));
    EXPECT_TRUE(thread.running());
    thread.join();
    EXPECT_FALSE(thread.running());
    EXPECT_EQ(done, round);
  }
}

TEST(Thread, KeepsTheEndOfALongName) {
  const auto shortened = [](std::string_view name) { return std::string(short_thread_name(name).data()); };
  EXPECT_EQ(shortened("worker_0"), "worker_0");
  EXPECT_EQ(shortened("exactly_fifteen"), "exactly_fifteen");
  EXPECT_EQ(shortened("ThreadPoolExecutor-0_3"), "ThreadPoolE-0_3");
  EXPECT_EQ(shortened("ThreadPoolExecutor-0_3_loop"), "Thread-0_3_loop");
  EXPECT_EQ(shortened("nothing to divide it here"), "nothing to divi");
  EXPECT_EQ(shortened("\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc_1"),
            "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc_1");
}

TEST(Thread, HasRoomForDeepRecursion) {
  Thread thread;
  std::size_t sum = 0;
  ASSERT_TRUE(thread.start("test", [&] {
    volatile unsigned char room[4 << 20];
    for (std::size_t i = 0; i < sizeof room; i += 4096) room[i] = 1;
    for (std::size_t i = 0; i < sizeof room; i += 4096) sum += room[i];
  }));
  thread.join();
  EXPECT_EQ(sum, (4U << 20) / 4096);
}

TEST(Memory, IsZeroedOnRequestAndMoves) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5} << 20}) {
    Memory memory = Memory::zeroed(size);
    ASSERT_NE(memory.data(), nullptr);
    for (std::size_t i = 0; i < size; i += 1000) ASSERT_EQ(memory.data()[i], 0);
    const unsigned char* const at = memory.data();
    const Memory moved = std::move(memory);
    EXPECT_EQ(moved.data(), at);
  }
}

}  // namespace
}  // namespace aiointerpreters::base
