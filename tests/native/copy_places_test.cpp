// The places of copies: the one that is used, and the reports about the others.
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>

#include "copy_store_fixture.h"
#include "extensions/file_io.h"
#include "extensions/folder_rules.h"
#include "extensions/nameless.h"

namespace aiointerpreters::extensions {
namespace {

class CopyPlaces : public CopyStoreTest {
 protected:
  static constexpr int kNotAllowed = 77;

  // Runs `body` with a file system of 256 KiB mounted on the folder "small".
  // Skips the test if mounting is not allowed.
  template <typename Body>
  void with_small_file_system(unsigned long flags, const Body& body) {
    std::filesystem::create_directories(path("small"));
    const int status = in_child([&] {
      if (::unshare(CLONE_NEWNS) != 0) return kNotAllowed;
      if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kNotAllowed;
      if (::mount("tmpfs", path("small").c_str(), "tmpfs", flags, "size=256k,mode=700") != 0) return kNotAllowed;
      body();
      return HasFailure() ? 1 : 0;
    });
    if (status == kNotAllowed) GTEST_SKIP() << "this needs the right to mount";
    EXPECT_EQ(status, 0);
  }
};

TEST_F(CopyPlaces, ComeInOrder) {
  const std::string from = original();
  CopyStore all({folder(), path("xdg"), path("home"), path("tmp")});
  EXPECT_TRUE(has(get(all, from).path, "/cache/"));
  CopyStore without_own({"", path("xdg"), path("home"), path("tmp")});
  EXPECT_TRUE(has(get(without_own, from).path, "/xdg/aiointerpreters/extensions/"));
  CopyStore without_xdg({"", "", path("home"), path("tmp")});
  EXPECT_TRUE(has(get(without_xdg, from).path, "/home/.cache/aiointerpreters/extensions/"));
  CopyStore relative({"", "xdg", path("home"), path("tmp")}, telling());
  EXPECT_TRUE(has(get(relative, from).path, "/home/.cache/aiointerpreters/extensions/"));
  EXPECT_EQ(told_, "") << "it is no place";
}

TEST_F(CopyPlaces, AreMadeForTheUserAlone) {
  CopyStore store(home(), telling());
  static_cast<void>(get(store, original()));
  EXPECT_EQ(told_, "");
  for (const char* made : {"home", "home/.cache", "home/.cache/aiointerpreters", "home/.cache/aiointerpreters/extensions"}) {
    EXPECT_EQ(facts_of(path(made)).st_mode & 07777U, 0700U) << made;
  }
}

TEST_F(CopyPlaces, ARelativeFolderIsMeantFromWhereTheProcessIs) {
  const std::string from = original();
  EXPECT_EQ(in_child([&] {
              if (::chdir(path("tmp").c_str()) != 0) return 2;
              CopyStore store(only("cache"));
              if (::chdir("/") != 0) return 2;
              return has(get(store, from).path, "/tmp/cache/") ? 0 : 1;
            }),
            0);
}

TEST_F(CopyPlaces, AFolderThatOthersMayWriteToDoesNotServe) {
  const std::string from = original();
  for (const mode_t mode : {mode_t{0770}, mode_t{0702}, mode_t{01777}}) {
    std::filesystem::create_directories(folder());
    ASSERT_EQ(::chmod(folder().c_str(), mode), 0);
    CopyStore store(only());
    const std::string why = refusal(store, from);
    EXPECT_TRUE(has(why, folder() + " cannot be used: other users may write to it (mode 0")) << why;
    EXPECT_EQ(names_in(folder()).size(), 0U);
  }
  ASSERT_EQ(::chmod(folder().c_str(), 0755), 0);
  CopyStore store(only(), telling());
  static_cast<void>(get(store, from));
  EXPECT_EQ(told_, "");
}

TEST_F(CopyPlaces, ASymbolicLinkDoesNotServe) {
  std::filesystem::create_directories(path("real"));
  ASSERT_EQ(::chmod(path("real").c_str(), 0700), 0);
  std::filesystem::create_directory_symlink(path("real"), folder());
  for (const std::string& name : {folder(), folder() + "/", folder() + "//"}) {
    CopyStore store(only(name));
    EXPECT_TRUE(has(refusal(store, original()), "it is a symbolic link or not a folder")) << name;
  }
  EXPECT_EQ(names_in(path("real")).size(), 0U);
}

TEST_F(CopyPlaces, AFileDoesNotServe) {
  CopyStore store(only(write("file", "")));
  EXPECT_TRUE(has(refusal(store, original()), path("file") + " cannot be used: it is a symbolic link or not a folder"));
  CopyStore below(only(path("file/cache")));
  EXPECT_TRUE(has(refusal(below, original()), path("file/cache") + " cannot be used: "));
}

TEST_F(CopyPlaces, AFolderWithOtherThingsInItDoesNotServe) {
  const std::string from = original();
  std::filesystem::create_directories(path("cache/bin"));
  ASSERT_EQ(::chmod(folder().c_str(), 0700), 0);
  for (const char* name : {"cache/boot", "cache/dev", "cache/etc"}) static_cast<void>(write(name, ""));
  CopyStore store(only());
  const std::string why = refusal(store, from);
  EXPECT_TRUE(has(why, folder() + " cannot be used: it contains other things (")) << why;
  EXPECT_TRUE(has(why, ", ...): a folder for copies must be new or empty")) << why;
  std::string ignored;
  EXPECT_FALSE(store.get(from, CopyStore::kShared, {}, ignored)) << "nor for copies without a name";
  EXPECT_TRUE(store.describe()[0].refused.starts_with("it contains other things (")) << store.describe()[0].refused;
  EXPECT_EQ(names_in(folder()).size(), 4U);
  CopyStore below(only(path("cache/copies")));
  EXPECT_TRUE(get(below, from).made);
}

TEST_F(CopyPlaces, AFolderThatHasCopiesServesWhateverElseIsPutThere) {
  CopyStore store(only());
  const std::string from = original();
  static_cast<void>(get(store, from));
  static_cast<void>(write("cache/notes.txt", "mine"));
  EXPECT_FALSE(get(store, from, 0).made);
  EXPECT_TRUE(get(store, from, 1).made);
  EXPECT_EQ(store.clear().files, 2U);
  EXPECT_TRUE(get(store, from, 2).made) << "emptied, it is known by its lock";
  EXPECT_EQ(store.describe()[0].refused, "");
}

TEST_F(CopyPlaces, TheRootOfAllFoldersDoesNotServe) {
  for (const char* name : {"/", "//", "/."}) {
    CopyStore store(only(name));
    EXPECT_TRUE(has(refusal(store, original()), "/ cannot be used: it ") ||
                has(refusal(store, original()), "/. cannot be used: it "));
  }
}

TEST_F(CopyPlaces, AHomeFolderThatNoShellHasPutInDoesNotServe) {
  const std::string from = original();
  EXPECT_EQ(in_child([&] {
              if (::chdir(path("tmp").c_str()) != 0) return 2;
              for (const char* name : {"~", "~/cache", "~somebody/cache"}) {
                CopyStore store({name, "", path("home"), path("tmp")});
                const std::string why = refusal(store, from);
                EXPECT_TRUE(has(why, std::string(name) + " cannot be used: only a shell replaces ~")) << why;
                EXPECT_TRUE(store.describe()[0].refused.starts_with("only a shell")) << store.describe()[0].refused;
              }
              CopyStore meant(only("./~/cache"));
              EXPECT_TRUE(get(meant, from).made);
              return HasFailure() ? 1 : 0;
            }),
            0);
  EXPECT_EQ(names_in(path("tmp")), std::vector<std::string>{"~"});
}

TEST_F(CopyPlaces, ARelativeFolderOfAWorkingDirectoryThatIsGoneDoesNotServe) {
  const std::string from = original();
  EXPECT_EQ(in_child([&] {
              std::filesystem::create_directories(path("gone"));
              if (::chdir(path("gone").c_str()) != 0) return 2;
              std::filesystem::remove_all(path("gone"));
              CopyStore store(only("cache"));
              EXPECT_TRUE(has(refusal(store, from), "cache cannot be used: it is a relative path"));
              return HasFailure() ? 1 : 0;
            }),
            0);
}

TEST_F(CopyPlaces, AFolderOfSomebodyElseDoesNotServe) {
  std::string foreign = "/";
  if (::geteuid() == 0) {
    foreign = folder();
    std::filesystem::create_directories(foreign);
    ASSERT_EQ(::chmod(foreign.c_str(), 0700), 0);
    ASSERT_EQ(::chown(foreign.c_str(), 12345, 12345), 0);
  }
  CopyStore store(only(foreign));
  const std::string why = refusal(store, original());
  EXPECT_TRUE(has(why, foreign + " cannot be used: it belongs to user ")) << why;
}

TEST_F(CopyPlaces, RootMakesNoFolderInThatOfAUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "this is about root";
  std::filesystem::create_directories(path("home"));
  ASSERT_EQ(::chown(path("home").c_str(), 12345, 12345), 0);
  CopyStore store(home(), telling());
  static_cast<void>(get(store, original()));
  EXPECT_TRUE(has(told_, "root does not create it in a folder of user 12345")) << told_;
  EXPECT_EQ(names_in(path("home")).size(), 0U);
}

TEST_F(CopyPlaces, ACopyOfSomebodyElseIsReplaced) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  CopyStore store(only());
  const std::string from = original();
  const std::string copy = get(store, from).path;
  ASSERT_EQ(::chown(copy.c_str(), 12345, 12345), 0);
  EXPECT_TRUE(get(store, from).made);
  EXPECT_EQ(facts_of(copy).st_uid, 0U);
}

TEST_F(CopyPlaces, WhereOthersCouldPutAnotherFolderTheCopyIsLoadedByItsDescriptor) {
  std::filesystem::create_directories(path("shared"));
  ASSERT_EQ(::chmod(path("shared").c_str(), 0777), 0);
  const std::string from = original();
  CopyStore store(only(path("shared/cache")));
  const Copy copy = get(store, from);
  EXPECT_TRUE(copy.path.starts_with("/proc/self/fd/")) << copy.path;
  std::filesystem::rename(path("shared/cache"), path("shared/old"));
  EXPECT_EQ(read(copy.path), read(from));
  ASSERT_EQ(::chmod(path("shared").c_str(), 01777), 0);
  EXPECT_TRUE(has(get(store, from).path, "/shared/cache/")) << "with the sticky bit nobody could";
}

TEST_F(CopyPlaces, NetworkFileSystemsDoNotServe) {
  for (const std::uint64_t kind : {0x6969U, 0xFF534D42U, 0x00C36400U, 0x0BD00BD0U})
    EXPECT_TRUE(is_of_several_machines(kind));
  EXPECT_TRUE(is_of_several_machines(static_cast<std::uint64_t>(static_cast<std::int32_t>(0xFF534D42U))));
  for (const std::uint64_t kind :
       {0xEF53U, 0x9123683EU, 0x58465342U, 0x01021994U, 0x794C7630U}) {  // ext4, btrfs, xfs, tmpfs, overlay
    EXPECT_FALSE(is_of_several_machines(kind));
  }
}

TEST_F(CopyPlaces, WithoutAFolderATemporaryFileServes) {
  static_cast<void>(write("home", "a file in the way"));
  CopyStore store(home(), telling());
  const std::string from = original(300'001);
  const Copy copy = get(store, from, 2, {{0, "edit"}});
  EXPECT_TRUE(copy.path.starts_with("/proc/self/fd")) << copy.path;
  EXPECT_EQ(read(copy.path).substr(0, 4), "edit");
  EXPECT_EQ(read(copy.path).substr(4), read(from).substr(4));
  EXPECT_TRUE(has(told_, path("home") + "/.cache/aiointerpreters/extensions cannot be used: ")) << told_;
  EXPECT_EQ(names_in(path("tmp")).size(), 0U);
  const std::string target = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(copy.file.number())).string();
  EXPECT_TRUE(has(target, path("tmp")) && has(target, "-_speedups.abi3.so")) << target;
}

TEST_F(CopyPlaces, WithoutAFolderForTemporaryFilesMemoryServes) {
  CopyStore store({"", "", "", path("not there")}, telling());
  const std::string from = original(300'001);
  const Copy copy = get(store, from, 2, {{300'001, "more"}});
  EXPECT_EQ(read(copy.path), read(from) + "more");
  EXPECT_TRUE(has(told_, path("not there") + " cannot be used: No such file")) << told_;
  const std::string target = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(copy.file.number())).string();
  EXPECT_TRUE(has(target, "memfd:_speedups.abi3.so")) << target;
  EXPECT_NE(::ftruncate(copy.file.number(), 0), 0) << "nobody changes it any more";
}

TEST_F(CopyPlaces, AFileThatCannotBeWrittenToItsEndIsAnErrorAndLeavesNothing) {
  const std::string from = original(100'000);
  EXPECT_EQ(in_child([&] {
              std::signal(SIGXFSZ, SIG_IGN);
              const rlimit limit = {50'000, 50'000};
              if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
              CopyStore own(only());
              std::string why = refusal(own, from);
              EXPECT_TRUE(has(why, from) && has(why, folder() + " cannot be used: File too large")) << why;
              CopyStore all(home());
              why = refusal(all, from);
              for (const std::string& place : {path("home"), path("tmp"), std::string("memory")})
                EXPECT_TRUE(has(why, place)) << why;
              return HasFailure() ? 1 : 0;
            }),
            0);
  EXPECT_EQ(names_in(folder()).size(), 0U);
  EXPECT_EQ(names_in(path("tmp")).size(), 0U);
  EXPECT_EQ(names_in(path("home/.cache/aiointerpreters/extensions")).size(), 0U);
}

TEST_F(CopyPlaces, AFullDiskMakesTheNextOneServe) {
  const std::string from = original(200'000);
  with_small_file_system(0, [&] {
    CopyStore store({"", path("small"), path("home"), path("tmp")}, telling());
    static_cast<void>(get(store, from, 0));
    EXPECT_EQ(told_, "");
    const Copy copy = get(store, from, 1);
    EXPECT_TRUE(has(told_, "/small/aiointerpreters/extensions cannot be used: No space left")) << told_;
    EXPECT_TRUE(has(copy.path, "/home/.cache/")) << copy.path;
    EXPECT_EQ(read(copy.path), read(from));
    EXPECT_EQ(names_in(path("small/aiointerpreters/extensions")).size(), 1U) << "what was begun is removed";
  });
}

TEST_F(CopyPlaces, AFileSystemWithNoexecDoesNotServe) {
  const std::string from = original();
  with_small_file_system(MS_NOEXEC, [&] {
    CopyStore only_there(only(path("small")));
    const std::string why = refusal(only_there, from);
    EXPECT_TRUE(has(why, "its file system is mounted with noexec")) << why;
    CopyStore store({"", "", "", path("small")}, telling());
    const Copy copy = get(store, from);
    EXPECT_TRUE(has(told_, path("small") + " cannot be used: its file system is mounted with noexec")) << told_;
    EXPECT_EQ(read(copy.path), read(from));
    EXPECT_EQ(names_in(path("small")).size(), 0U);
  });
}

TEST_F(CopyPlaces, TheKernelIsAskedWhetherCodeMayBeMapped) {
  std::string why;
  const FileDescriptor plain = open_at(AT_FDCWD, original().c_str(), O_RDONLY);
  EXPECT_TRUE(lets_code_be_mapped(plain.number(), why)) << why;
  const FileDescriptor empty = open_at(AT_FDCWD, original(0, "empty").c_str(), O_RDONLY);
  EXPECT_TRUE(lets_code_be_mapped(empty.number(), why)) << why;
  const FileDescriptor unreadable = open_at(AT_FDCWD, path("empty").c_str(), O_WRONLY);
  EXPECT_FALSE(lets_code_be_mapped(unreadable.number(), why));
  EXPECT_EQ(why, "code cannot be mapped from there: Permission denied");
}

TEST_F(CopyPlaces, WhatIsInAReadOnlyFolderIsUsed) {
  const std::string from = original();
  with_small_file_system(0, [&] {
    CopyStore store({"", path("small"), path("home"), path("tmp")}, telling());
    const std::string there = get(store, from, 0).path;
    set_age(there, 1'000'000);
    ASSERT_EQ(::mount("none", path("small").c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
    const Copy known = get(store, from, 0);
    EXPECT_EQ(known.path, there);
    EXPECT_FALSE(known.made);
    const Copy fresh = get(store, from, 1);
    EXPECT_TRUE(has(fresh.path, "/home/.cache/")) << fresh.path;
    EXPECT_TRUE(has(told_, "Read-only file system")) << told_;
    EXPECT_TRUE(store.describe()[0].read_only);
  });
}

}  // namespace
}  // namespace aiointerpreters::extensions
