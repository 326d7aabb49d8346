// The store of copies: a copy has the right content and is complete, whatever other processes do at the same time,
// and dlopen takes it for a new object.
#include <dlfcn.h>
#include <sys/mman.h>

#include <atomic>
#include <latch>
#include <memory>
#include <set>
#include <system_error>
#include <thread>

#include "copy_store_fixture.h"
#include "extensions/content_hash.h"
#include "extensions/copy_names.h"

namespace aiointerpreters::extensions {
namespace {

// Larger than one read, and not a multiple of it.
constexpr std::size_t kLarge = 300'001;

TEST(ContentHash, IsXxh64) {
  std::string data;
  for (std::size_t at = 0; at < 100'000; ++at) data.push_back(static_cast<char>((at * 7 + 3) % 256));
  const auto hash = [&data](std::size_t size, std::size_t pieces) {
    ContentHash made;
    for (std::size_t at = 0; at < size; at += pieces) made.add(data.data() + at, std::min(pieces, size - at));
    return made.value();
  };
  // Computed with the reference implementation.
  const std::pair<std::size_t, std::uint64_t> known[] = {
      {0, 0xef46db3751d8e999},  {1, 0x1f25c8d0bc1f4bb6},   {3, 0x31d2363f52e564c9},     {31, 0xa2aa5f33cc4a6119},
      {32, 0x23c3c17ef790fd97}, {33, 0x50a7cfc7ba588784},  {44, 0xa4b19436ab40edb0},    {63, 0x5e3e54b431c7493c},
      {64, 0x0eb64b3ef6eeb01f}, {100, 0xa61f8d4c170fe531}, {100000, 0x953e8a6a68df79c4}};
  for (const auto& [size, value] : known) {
    for (const std::size_t pieces : {1, 7, 32, 33, 100'000})
      EXPECT_EQ(hash(size, pieces), value) << size << " in " << pieces;
  }
}

TEST(CopyNames, AreKnownAgain) {
  const std::string name = copy_name(0x1f, 0, 12, 3, "_speedups.abi3.so");
  EXPECT_EQ(name, "000000000000001f-0000000000000000-12-3-_speedups.abi3.so");
  EXPECT_TRUE(is_copy_name(name));
  EXPECT_TRUE(is_copy_name(copy_name(~std::uint64_t{0}, ~std::uint64_t{0}, ~0U, 0, "a")));
  EXPECT_TRUE(is_begun_name(begun_name("a")));
  EXPECT_FALSE(is_copy_name(begun_name("a")));
  for (const char* other : {"", ".", "..", kLockName, "a.so", "000000000000001f-0000000000000000-12-3-", "1f-0-1-1-a",
                            "000000000000001f-0000000000000000-12-a", "00000000000000_f-0000000000000000-12-3-a"}) {
    EXPECT_FALSE(is_copy_name(other)) << other;
    EXPECT_FALSE(is_begun_name(other)) << other;
  }
}

TEST(CopyNames, FitWhateverTheOriginalIsCalled) {
  const std::string original = std::string(240, 'a') + ".abi3.so";
  for (const std::string& name :
       {copy_name(~std::uint64_t{0}, ~std::uint64_t{0}, ~0U, ~std::size_t{0}, original), begun_name(original)}) {
    EXPECT_LE(name.size(), 255U);
    EXPECT_TRUE(name.ends_with("aaa.abi3.so"));
  }
}

TEST_F(CopyStoreTest, MakesAFileOfItsOwnThatTellsWhatItIs) {
  CopyStore store(only(), telling());
  const std::string from = original(kLarge);
  const Copy copy = get(store, from);
  EXPECT_TRUE(copy.made);
  EXPECT_EQ(told_, "");
  EXPECT_EQ(copy.size, kLarge);
  EXPECT_EQ(read(copy.path), read(from));
  EXPECT_NE(facts_of(copy.path).st_ino, facts_of(from).st_ino);
  EXPECT_EQ(facts_of(copy.path).st_mode & 07777U, 0400U);
  EXPECT_EQ(facts_of(folder()).st_mode & 07777U, 0700U);
  EXPECT_TRUE(copy.path.starts_with(std::filesystem::canonical(folder()).string() + "/")) << copy.path;
  EXPECT_TRUE(copy.path.ends_with("-_speedups.abi3.so")) << copy.path;
  EXPECT_EQ(names_in(folder()).size(), 1U);
}

TEST_F(CopyStoreTest, HandsOutTheSameFileToTheSameInterpretersOfAllProcesses) {
  const std::string from = original();
  CopyStore store(only());
  CopyStore of_another_process(only());
  const Copy first = get(store, from, 3);
  const Copy second = get(of_another_process, from, 3);
  EXPECT_TRUE(first.made);
  EXPECT_FALSE(second.made);
  EXPECT_EQ(first.path, second.path);
  EXPECT_EQ(second.size, 1000U);
  EXPECT_EQ(names_in(folder()).size(), 1U);
}

TEST_F(CopyStoreTest, HasAFileForEachInterpreterEachContentAndEachChange) {
  CopyStore store(only());
  const std::string from = original();
  std::set<std::string> paths;
  for (unsigned k = 0; k < 4; ++k) paths.insert(get(store, from, k).path);
  paths.insert(get(store, from, 0, {{0, "a"}}).path);
  paths.insert(get(store, from, 0, {{1, "a"}}).path);
  paths.insert(get(store, from, 0, {{0, "b"}}).path);
  paths.insert(get(store, from, 0, {{0, ""}}).path);
  const std::string changed = original(1001);
  paths.insert(get(store, changed).path);
  EXPECT_EQ(paths.size(), 9U);
  EXPECT_EQ(names_in(folder()).size(), 9U);
}

TEST_F(CopyStoreTest, TakesANewOriginalAtTheOldPathForWhatItIs) {
  CopyStore store(only());
  const std::string from = write("package/a.so", "one");
  EXPECT_EQ(read(get(store, from).path), "one");
  const struct stat before = facts_of(from);
  ASSERT_EQ(write("package/a.so", "two"), from);
  const timespec times[] = {before.st_atim, before.st_mtim};  // as if it were unmodified
  ASSERT_EQ(::utimensat(AT_FDCWD, from.c_str(), times, 0), 0);
  EXPECT_EQ(read(get(store, from).path), "two");
}

TEST_F(CopyStoreTest, TellsOriginalsApartThatAreAlike) {
  CopyStore store(only());
  const std::string one = original(1000, "package/one/same.so");
  const std::string other = original(1000, "package/other/same.so");
  const std::string path_of_one = get(store, one).path;
  const std::string path_of_other = get(store, other).path;
  EXPECT_NE(path_of_one, path_of_other);
  EXPECT_EQ(get(store, one).path, path_of_one);
  EXPECT_EQ(get(store, other).path, path_of_other);
}

TEST_F(CopyStoreTest, ChangesWhatItIsToldTo) {
  CopyStore store(only());
  const std::string from = original(kLarge);
  const Edits edits = {{10, "in place"},
                       {131'070, "over the border of what is read at once"},
                       {12, "later"},
                       {kLarge, "added"},
                       {kLarge + 5, std::string(200'000, 'x')},
                       {kLarge + 4, "D!"}};
  std::string wanted = read(from);
  wanted.resize(kLarge + 200'005, 'x');
  for (const Edit& edit : edits) wanted.replace(edit.offset, edit.bytes.size(), edit.bytes);
  EXPECT_TRUE(read(get(store, from, 0, edits).path) == wanted);
  EXPECT_FALSE(get(store, from, 0, edits).made);
  EXPECT_TRUE(read(from) == content_of(kLarge)) << "the original stays as it is";
}

TEST_F(CopyStoreTest, RefusesAChangeThatLeavesAGap) {
  CopyStore store(only());
  const std::string from = original(10);
  EXPECT_TRUE(has(refusal(store, from, {{11, "a"}}), from));
  EXPECT_TRUE(has(refusal(store, from, {{~std::uint64_t{0}, "a"}}), from));
}

TEST_F(CopyStoreTest, CopiesAnEmptyFile) {
  CopyStore store(only());
  EXPECT_EQ(read(get(store, original(0)).path), "");
}

TEST_F(CopyStoreTest, SaysWhichOriginalCannotBeCopiedAndWhy) {
  CopyStore store(only());
  EXPECT_TRUE(has(refusal(store, path("none.so")), path("none.so") + " cannot be read: No such file"));
  EXPECT_TRUE(has(refusal(store, path("package")), path("package") + " is not a regular file"));
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(has(refusal(store, path("fifo")), path("fifo") + " is not a regular file"));
  EXPECT_EQ(names_in(folder()).size(), 0U);
}

TEST_F(CopyStoreTest, ReplacesWhatIsNotTheCopyAnyMore) {
  CopyStore store(only());
  const std::string from = original(kLarge);
  const std::string copy = get(store, from).path;
  const std::string content = read(from);
  const auto damage = [&](const std::string& what, const auto& how) {
    const struct stat before = facts_of(copy);
    ASSERT_EQ(::chmod(copy.c_str(), 0600), 0);
    how();
    const Copy again = get(store, from);
    EXPECT_TRUE(again.made) << what;
    EXPECT_EQ(again.path, copy) << what;
    EXPECT_TRUE(read(copy) == content) << what;
    EXPECT_NE(facts_of(copy).st_ino, before.st_ino) << what << ": who has mapped the old one must not see it change";
    EXPECT_EQ(names_in(folder()).size(), 1U) << what;
  };
  damage("truncated", [&] { std::filesystem::resize_file(copy, kLarge - 1); });
  damage("emptied", [&] { std::filesystem::resize_file(copy, 0); });
  damage("longer", [&] { std::filesystem::resize_file(copy, kLarge + 1); });
  damage("its last byte changed, its times not", [&] {
    const struct stat before = facts_of(copy);
    const std::string changed = content.substr(0, kLarge - 1) + static_cast<char>(content.back() + 1);
    std::ofstream(copy, std::ios::binary) << changed;
    const timespec times[] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, copy.c_str(), times, 0), 0);
  });
  damage("a symbolic link", [&] {
    std::filesystem::rename(copy, path("moved"));
    std::filesystem::create_symlink(path("moved"), copy);
  });
  damage("writable by others", [&] { ASSERT_EQ(::chmod(copy.c_str(), 0620), 0); });
}

TEST_F(CopyStoreTest, DoesNotTouchWhatAnInterruptedProcessHasBegun) {
  CopyStore store(only());
  const std::string from = original();
  ASSERT_EQ(in_child([] { return 0; }), 0);
  const std::string begun = write("cache/" + begun_name("_speedups.abi3.so"), "half");
  ASSERT_EQ(::chmod(folder().c_str(), 0700), 0);
  EXPECT_EQ(read(get(store, from).path), read(from));
  EXPECT_EQ(read(begun), "half") << "it may still be at work";
}

TEST_F(CopyStoreTest, FindsANameOfItsOwnBesideTheLeftoversOfAProcessWithItsNumber) {
  CopyStore store(only());
  const std::string from = original();
  const std::string name = begun_name("_speedups.abi3.so");  // ".begun-PID-NUMBER-..."
  const std::size_t at = name.find('-', name.find('-') + 1) + 1;
  const auto number = std::stoul(name.substr(at));
  for (std::size_t next = number + 1; next < number + 5; ++next) {
    static_cast<void>(write("cache/" + name.substr(0, at) + std::to_string(next) + "-_speedups.abi3.so", "half"));
  }
  ASSERT_EQ(::chmod(folder().c_str(), 0700), 0);
  EXPECT_EQ(read(get(store, from).path), read(from));
  EXPECT_EQ(names_in(folder()).size(), 5U);
}

TEST_F(CopyStoreTest, EightThreadsGetOneWholeCopy) {
  const std::string from = original(kLarge);
  std::string wanted = read(from);
  wanted.replace(5, 4, "edit");
  CopyStore store(only());
  constexpr unsigned kRounds = 20;
  for (unsigned k = 0; k < kRounds; ++k) {
    std::vector<Copy> copies(8);
    std::latch ready(8);
    {
      std::vector<std::jthread> threads;
      for (Copy& copy : copies) {
        threads.emplace_back([&] {
          ready.arrive_and_wait();
          copy = get(store, from, k, {{5, "edit"}});
        });
      }
    }
    for (const Copy& copy : copies) {
      EXPECT_EQ(copy.path, copies[0].path);
      EXPECT_TRUE(read("/proc/self/fd/" + std::to_string(copy.file.number())) == wanted);
    }
    EXPECT_TRUE(read(copies[0].path) == wanted);
    EXPECT_EQ(std::count_if(copies.begin(), copies.end(), [](const Copy& copy) { return copy.made; }), 1);
  }
  EXPECT_EQ(names_in(folder()).size(), kRounds);
}

TEST_F(CopyStoreTest, FourProcessesGetOneWholeCopyAlthoughTheFolderIsEmptiedMeanwhile) {
  const std::string from = original(kLarge);
  const std::string content = read(from);
  std::vector<pid_t> children;
  for (int child = 0; child < 4; ++child) {
    children.push_back(::fork());
    if (children.back() == 0) {
      bool right = true;
      for (int round = 0; round < 50; ++round) {
        CopyStore store(only());
        const Copy copy = get(store, from);
        right = right && read("/proc/self/fd/" + std::to_string(copy.file.number())) == content;
        if (child == 3 && round % 10 == 0) static_cast<void>(store.clear());
      }
      ::_exit(right && !HasFailure() ? 0 : 1);
    }
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  CopyStore store(only());
  EXPECT_TRUE(read(get(store, from).path) == content);
  EXPECT_EQ(names_in(folder()).size(), 1U);
}

// Like a user who empties the cache by hand, but without end.
TEST_F(CopyStoreTest, CopiesAreWholeAlthoughTheFolderIsRemovedAllTheTime) {
  const std::string from = original(kLarge);
  const std::string content = read(from);
  CopyStore store(home());
  const std::string home_folder = path("home");
  std::atomic<bool> is_over{false};
  std::jthread remover([&] {
    while (!is_over.load()) {
      std::error_code somebody_else_is_at_work;
      std::filesystem::remove_all(home_folder, somebody_else_is_at_work);
    }
  });
  CopyStore named(only(path("home/named/copies")));
  for (unsigned k = 0; k < 2 * CopyStore::kShared; ++k) {
    for (CopyStore* const each : {&store, &named}) {
      const Copy copy = get(*each, from, k);
      EXPECT_TRUE(read("/proc/self/fd/" + std::to_string(copy.file.number())) == content);
    }
  }
  is_over.store(true);
}

TEST_F(CopyStoreTest, KeepsNoFileForVeryManyInterpreters) {
  CopyStore store(only());
  const std::string from = original();
  const Copy last = get(store, from, CopyStore::kShared - 1);
  const Copy one = get(store, from, CopyStore::kShared);
  const Copy other = get(store, from, CopyStore::kShared);
  EXPECT_EQ(names_in(folder()).size(), 1U);
  EXPECT_NE(one.path, other.path);
  EXPECT_EQ(read(one.path), read(from));
  EXPECT_EQ(read(other.path), read(from));
}

struct Unload {
  void operator()(void* object) const noexcept { ::dlclose(object); }
};
using Loaded = std::unique_ptr<void, Unload>;

int count_up_in(const Loaded& object) {
  using CountUp = int();
  auto* const count_up = object ? reinterpret_cast<CountUp*>(::dlsym(object.get(), "count_up")) : nullptr;
  if (count_up == nullptr) ADD_FAILURE() << ::dlerror();
  return count_up == nullptr ? -1 : count_up();
}

TEST_F(CopyStoreTest, EachCopyThatIsLoadedHasItsOwnStaticVariables) {
  CopyStore store(only());
  std::vector<Loaded> objects;
  // Copies with a name, then some without. Each is released before the next is made, so the next gets its descriptor number.
  for (const unsigned k : {0U, 1U, 2U, CopyStore::kShared, CopyStore::kShared + 1, CopyStore::kShared + 2}) {
    const Copy copy = get(store, COPIED_OBJECT, k);
    objects.emplace_back(::dlopen(copy.path.c_str(), RTLD_NOW | RTLD_LOCAL));
    EXPECT_EQ(count_up_in(objects.back()), 1) << copy.path;
    EXPECT_EQ(count_up_in(objects.back()), 2) << copy.path;
  }
}

TEST_F(CopyStoreTest, CopiesInMemoryAreLoadedToo) {
  CopyStore store({"", "", "", path("not there")});
  std::vector<Loaded> objects;
  for (unsigned k = 0; k < 3; ++k) {
    const Copy copy = get(store, COPIED_OBJECT, k);
    objects.emplace_back(::dlopen(copy.path.c_str(), RTLD_NOW | RTLD_LOCAL));
    EXPECT_EQ(count_up_in(objects.back()), 1) << copy.path;
  }
}

TEST_F(CopyStoreTest, WhatIsMappedStaysWhenTheFolderIsEmptied) {
  CopyStore store(only());
  const std::string from = original(kLarge);
  void* mapped = nullptr;
  {
    const Copy copy = get(store, from);
    mapped = ::mmap(nullptr, kLarge, PROT_READ, MAP_PRIVATE, copy.file.number(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
  }
  EXPECT_EQ(store.clear().files, 1U);
  EXPECT_TRUE(std::string(static_cast<const char*>(mapped), kLarge) == read(from));
  ::munmap(mapped, kLarge);
  EXPECT_TRUE(get(store, from).made);
}

}  // namespace
}  // namespace aiointerpreters::extensions
