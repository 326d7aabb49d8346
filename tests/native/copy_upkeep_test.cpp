// Folders of copies as a whole: use is recorded, old or excess copies are removed, `describe` and `clear`.
#include <sys/file.h>

#include "copy_store_fixture.h"
#include "extensions/copy_names.h"
#include "extensions/file_io.h"

namespace aiointerpreters::extensions {
namespace {

constexpr std::time_t kHour = 60 * 60;
constexpr std::time_t kDay = 24 * kHour;

class CopyUpkeep : public CopyStoreTest {
 protected:
  // A file with the name of a copy, last used `age` seconds ago.
  std::string copy(unsigned k, std::time_t age, std::size_t size = 100) const {
    std::string name = copy_name(1, 0, k, 0, "a.so");
    set_age(write("cache/" + name, std::string(size, 'a')), age);
    EXPECT_EQ(::chmod(folder().c_str(), 0700), 0);
    return name;
  }
  Removed prune_it(const Limits& limits = {}) const {
    const FileDescriptor opened = open_at(AT_FDCWD, folder().c_str(), O_RDONLY | O_DIRECTORY);
    return prune(opened.number(), limits);
  }
};

TEST_F(CopyUpkeep, UseIsNotedOnceADay) {
  CopyStore store(only());
  const std::string from = original();
  const std::string copy = get(store, from).path;
  const auto age_after = [&](std::time_t age) {
    set_age(copy, age);
    EXPECT_FALSE(get(store, from).made);
    return std::time(nullptr) - facts_of(copy).st_mtim.tv_sec;
  };
  EXPECT_GE(age_after(2 * kHour), 2 * kHour) << "not again on the same day";
  EXPECT_LT(age_after(2 * kDay), kDay);
  EXPECT_GT(age_after(-10 * kDay), -kDay) << "a clock was wrong";
}

TEST_F(CopyUpkeep, WhatIsUnusedForLongGoes) {
  const std::string young = copy(0, 29 * kDay);
  static_cast<void>(copy(1, 31 * kDay));
  EXPECT_EQ(prune_it().files, 1U);
  EXPECT_EQ(names_in(folder()), std::vector<std::string>{young});
}

TEST_F(CopyUpkeep, WhatIsTooMuchGoesTheLongestUnusedFirst) {
  const std::string today = copy(0, kHour, 1000);
  const std::string yesterday = copy(1, kDay + kHour, 1000);
  const std::string recent = copy(2, 4 * kDay);
  static_cast<void>(copy(3, 6 * kDay));
  static_cast<void>(copy(4, 5 * kDay));
  Limits limits;
  limits.bytes = 2150;
  const Removed removed = prune_it(limits);
  EXPECT_EQ(removed.files, 2U);
  EXPECT_EQ(removed.bytes, 200U);
  EXPECT_EQ(names_in(folder()), (std::vector<std::string>{today, yesterday, recent}));
  limits.bytes = 0;
  EXPECT_EQ(prune_it(limits).files, 1U);
  EXPECT_EQ(names_in(folder()), (std::vector<std::string>{today, yesterday})) << "a program that needs more keeps it";
}

TEST_F(CopyUpkeep, WhatProcessesLeaveBehindThatEndTooSoonGoes) {
  const std::string young = begun_name("a.so");
  set_age(write("cache/" + young, "half"), kHour / 2);
  set_age(write("cache/" + begun_name("a.so"), "half"), 2 * kHour);
  EXPECT_EQ(prune_it().files, 1U);
  EXPECT_EQ(names_in(folder()), std::vector<std::string>{young});
}

TEST_F(CopyUpkeep, FilesOfOthersStay) {
  std::filesystem::create_directories(folder() + "/" + copy_name(1, 0, 7, 0, "folder"));
  for (const char* name : {"notes.txt", "a.so", ".hidden"}) set_age(write(std::string("cache/") + name, "mine"), 100 * kDay);
  static_cast<void>(copy(1, 31 * kDay));
  EXPECT_EQ(prune_it().files, 1U);
  CopyStore store(only());
  const Cleared cleared = store.clear();
  EXPECT_EQ(cleared.files, 0U);
  EXPECT_EQ(cleared.errors, std::vector<std::string>());
  EXPECT_EQ(names_in(folder()).size(), 4U);
}

TEST_F(CopyUpkeep, OnePrunesAtATime) {
  static_cast<void>(copy(1, 31 * kDay));
  {
    const FileDescriptor lock = open_at(AT_FDCWD, path(std::string("cache/") + kLockName).c_str(), O_RDWR | O_CREAT, 0600);
    ASSERT_EQ(::flock(lock.number(), LOCK_EX), 0);
    EXPECT_EQ(prune_it().files, 0U);
    EXPECT_EQ(in_child([&] { return static_cast<int>(prune_it().files); }), 0);
  }
  EXPECT_EQ(prune_it().files, 1U);
}

TEST_F(CopyUpkeep, AStorePrunesWhenItMakesItsFirstCopy) {
  static_cast<void>(copy(1, 31 * kDay));
  CopyStore store(only());
  const std::string from = original();
  static_cast<void>(get(store, from));
  EXPECT_EQ(names_in(folder()).size(), 1U);
  static_cast<void>(copy(1, 31 * kDay));
  static_cast<void>(get(store, from));
  static_cast<void>(get(store, from, 1));
  EXPECT_EQ(names_in(folder()).size(), 3U) << "not again for so little";
}

TEST_F(CopyUpkeep, IsDescribed) {
  CopyStore store({"", path("xdg"), path("home"), path("tmp")});
  std::vector<FolderReport> reports = store.describe();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].path, path("xdg") + "/aiointerpreters/extensions");
  EXPECT_TRUE(reports[0].absent && reports[1].absent);
  EXPECT_EQ(reports[0].refused, "");
  EXPECT_FALSE(std::filesystem::exists(path("xdg"))) << "looking makes nothing";

  const std::string from = original(1000);
  const std::string old = get(store, from, 0).path;
  static_cast<void>(get(store, from, 1));
  set_age(old, 10 * kDay);
  std::filesystem::create_directories(path("home/.cache/aiointerpreters/extensions"));
  ASSERT_EQ(::chmod(path("home/.cache/aiointerpreters/extensions").c_str(), 0777), 0);
  reports = store.describe();
  EXPECT_FALSE(reports[0].absent || reports[0].read_only);
  EXPECT_EQ(reports[0].refused, "");
  EXPECT_EQ(reports[0].contents.files, 2U);
  EXPECT_EQ(reports[0].contents.bytes, 2000U);
  EXPECT_EQ(reports[0].contents.oldest_use, facts_of(old).st_mtim.tv_sec);
  EXPECT_FALSE(reports[1].absent);
  EXPECT_EQ(reports[1].refused, "other users may write to it (mode 0777)");
  EXPECT_EQ(reports[1].contents.oldest_use, std::nullopt);
}

TEST_F(CopyUpkeep, IsEmptied) {
  CopyStore store({"", path("xdg"), path("home"), path("tmp")});
  EXPECT_EQ(store.clear().files, 0U);
  const std::string from = original(1000);
  static_cast<void>(get(store, from, 0));
  static_cast<void>(get(store, from, 1));
  CopyStore other(home());
  static_cast<void>(get(other, from, 0));
  const Cleared cleared = store.clear();
  EXPECT_EQ(cleared.files, 3U);
  EXPECT_EQ(cleared.bytes, 3000U);
  EXPECT_EQ(cleared.errors, std::vector<std::string>());
  EXPECT_TRUE(get(store, from).made);
}

TEST_F(CopyUpkeep, EmptyingLeavesWhatIsJustBeingWritten) {
  static_cast<void>(copy(1, 0));
  const std::string young = begun_name("a.so");
  static_cast<void>(write("cache/" + young, "half"));
  set_age(write("cache/" + begun_name("a.so"), "half"), 2 * kHour);
  CopyStore store(only());
  EXPECT_EQ(store.clear().files, 2U);
  EXPECT_EQ(names_in(folder()), std::vector<std::string>{young});
}

TEST_F(CopyUpkeep, WhatIsNotOursIsNotEmptied) {
  static_cast<void>(copy(1, kDay));
  ASSERT_EQ(::chmod(folder().c_str(), 0777), 0);
  CopyStore store(only());
  const Cleared cleared = store.clear();
  EXPECT_EQ(cleared.files, 0U);
  ASSERT_EQ(cleared.errors.size(), 1U);
  EXPECT_EQ(cleared.errors[0], folder() + " was not emptied: other users may write to it (mode 0777)");
  EXPECT_EQ(names_in(folder()).size(), 1U);
}

}  // namespace
}  // namespace aiointerpreters::extensions
