// Renaming and loading shared objects: private copies of a library and of its user find each other.
#include "extensions/elf_rename.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "elf_samples.h"
#include "extensions/elf_file.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {
namespace {

constexpr const char* kName = "libelf_sample.so.1";

FileBytes renamed(FileBytes file, const LibraryNames& names) {
  const std::vector<Edit> edits = renaming_of(file, names);
  apply_edits(edits, file);
  return file;
}

// A shared object that stays loaded until the test's process ends.
class Loaded {
 public:
  explicit Loaded(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) ADD_FAILURE() << dlerror();
  }
  [[nodiscard]] bool has(const char* name) const { return handle_ != nullptr && dlsym(handle_, name) != nullptr; }
  // Calls a function without arguments that returns an int. Returns -1 if there is none.
  template <typename Result = int, typename... Arguments>
  [[nodiscard]] Result call(const char* name, Arguments... arguments) const {
    void* const function = handle_ == nullptr ? nullptr : dlsym(handle_, name);
    if (function == nullptr) return static_cast<Result>(-1);
    return reinterpret_cast<Result (*)(Arguments...)>(function)(arguments...);
  }

 private:
  void* handle_;
};

TEST(ElfRename, EachCopyOfAUserFindsItsOwnCopyOfTheLibrary) {
  const ElfFolder folder;
  // Names of other lengths: shorter, as long, longer.
  const std::vector<std::string> names = {"lib.so", "libelf_sample.so.2",
                                          "a_much_longer_name_of_the_library_libelf_sample.so.3"};
  std::vector<Loaded> libraries;
  std::vector<Loaded> users;
  for (const std::string& name : names) {
    write_file(folder.in(name), renamed(sample_library(), {{kName, name}}));
    write_file(folder.in("user of " + name), renamed(sample_user(), {{kName, name}}));
    libraries.emplace_back(folder.in(name));
    users.emplace_back(folder.in("user of " + name));
  }
  for (std::size_t index = 0; index < names.size(); ++index) {
    for (int times = 0; times < 3; ++times) EXPECT_EQ(users[index].call("PyInit_sample"), times + 1);
    EXPECT_EQ(libraries[index].call("sample_count"), 4);
  }
}

TEST(ElfRename, ALibraryThatIsLoadedFromElsewhereIsFoundByItsName) {
  const ElfFolder folder;
  std::filesystem::create_directory(folder.in("libraries"));
  std::filesystem::create_directory(folder.in("modules"));
  write_file(folder.in("libraries/whatever"), renamed(sample_library(), {{kName, "libelf_elsewhere.so"}}));
  write_file(folder.in("modules/user"), renamed(sample_user(), {{kName, "libelf_elsewhere.so"}}));
  const Loaded library(folder.in("libraries/whatever"));
  const Loaded user(folder.in("modules/user"));
  EXPECT_EQ(library.call("sample_count"), 1);
  EXPECT_EQ(user.call("PyInit_sample"), 2);
}

TEST(ElfRename, ALibraryThatIsNeededByItsPathIsLoadedFromThere) {
  const ElfFolder folder;
  std::filesystem::create_directory(folder.in("libraries"));
  const std::string path = folder.in("libraries/libelf_sample.so.1");
  write_file(path, sample_library());
  write_file(folder.in("user"), renamed(sample_user(), {{kName, path}}));
  EXPECT_EQ(Loaded(folder.in("user")).call("PyInit_sample"), 1);
}

TEST(ElfRename, WhatIsInMemoryStaysWhereItWas) {
  const ElfFolder folder;
  write_file(folder.in("library"), renamed(sample_library(), {{kName, "libelf_memory.so"}}));
  const Loaded library(folder.in("library"));
  EXPECT_EQ(library.call<std::size_t>("sample_fill_zeros"), 0U);
  EXPECT_EQ(library.call<std::size_t>("sample_fill_zeros"), 300000U);
  EXPECT_TRUE(library.call<bool>("sample_catches", 1));
  EXPECT_EQ(library.call("sample_thread_count"), 1);
  EXPECT_EQ(library.call("sample_python"), 0);
  EXPECT_TRUE(library.has("sample_count"));  // its names are still there
}

TEST(ElfRename, ANameThatEndsAsTheOldOneDoesIsLeftAlone) {
  const FileBytes before = sample_user();
  const ElfImage image(before);
  const std::string_view strings = image.strings();
  ASSERT_EQ(strings.find(kName), strings.find("not_libelf_sample.so.1") + 4) << "the linker has not stored them as one";
  const ElfFolder folder;
  write_file(folder.in("library"), renamed(sample_library(), {{kName, "libelf_alike.so.1"}}));
  write_file(folder.in("user"), renamed(before, {{kName, "libelf_alike.so.1"}}));
  const Loaded library(folder.in("library"));
  const Loaded user(folder.in("user"));
  EXPECT_EQ(user.call("not_libelf_sample.so.1"), 1234);
  EXPECT_EQ(user.call("PyInit_sample"), 1);
}

TEST(ElfRename, ChangesTheNamesAndNothingElse) {
  const ElfFile before = read_elf_file(sample_user());
  const FileBytes copy = renamed(sample_user(), {{kName, "new"}, {"libc.so.6", "libother.so"}, {"never", "seen"}});
  const ElfFile after = read_elf_file(copy);
  ElfFile expected = before;
  std::replace(expected.needed.begin(), expected.needed.end(), std::string(kName), std::string("new"));
  std::replace(expected.needed.begin(), expected.needed.end(), std::string("libc.so.6"), std::string("libother.so"));
  EXPECT_EQ(after.needed, expected.needed);
  EXPECT_EQ(after.search_path, before.search_path);
  EXPECT_EQ(after.python_symbols, before.python_symbols);
  EXPECT_EQ(initializers_of(copy), initializers_of(sample_user()));
  EXPECT_EQ(after.unique_symbols, before.unique_symbols);
  EXPECT_EQ(read_elf_file(renamed(sample_library(), {{kName, "libnew.so"}})).soname, "libnew.so");
}

TEST(ElfRename, NothingIsWrittenWhereNoNameChanges) {
  EXPECT_TRUE(renaming_of(sample_user(), {}).empty());
  EXPECT_TRUE(
      renaming_of(sample_user(), {{"libelf_sample", "x"}, {"not_libelf_sample.so.1", "y"}, {"PyInit_sample", "z"}}).empty());
}

TEST(ElfRename, EverySegmentIsKept) {
  const FileBytes before = sample_library();
  const FileBytes after = renamed(before, {{kName, "new"}});
  std::vector<elf::ProgramHeader> old = segments_of(before);
  std::vector<elf::ProgramHeader> now = segments_of(after);
  ASSERT_EQ(now.size(), old.size() + 1);
  EXPECT_EQ(std::memcmp(old.data(), now.data(), old.size() * sizeof old[0]), 0);
  EXPECT_EQ(now.back().type, elf::kLoad);
  EXPECT_EQ(now.back().flags, elf::kReadable);
  EXPECT_EQ(now.back().offset + now.back().in_file, after.size());
}

TEST(ElfRename, WhoReadsSectionsFindsTheNewNames) {
  const FileBytes after = renamed(sample_library(), {{kName, "libelf_sections.so"}});
  const ElfImage image(after);
  const elf::FileHeader& header = image.header();
  int found = 0;
  for (std::size_t index = 0; index < header.section_header_count; ++index) {
    const auto section = plain_at<elf::SectionHeader>(after, header.section_headers + (index * sizeof(elf::SectionHeader)));
    if (section.address != image.dynamic_value(elf::kStrings) || section.type != elf::kStringTable) continue;
    EXPECT_EQ(section.offset, image.offset_of(section.address));
    EXPECT_EQ(section.size, image.strings().size());
    ++found;
  }
  EXPECT_EQ(found, 1);
}

// The dynamic linker zeroes the rest of the page in which a segment with zeros ends. Nothing may be placed there.
TEST(ElfRename, AFileThatEndsWithItsLastSegment) {
  FileBytes file = sample_library();
  std::size_t end = 0;
  for (const elf::ProgramHeader& segment : segments_of(file)) {
    if (segment.type == elf::kLoad) end = std::max<std::size_t>(end, segment.offset + segment.in_file);
  }
  file.resize(end);
  auto header = plain_at<elf::FileHeader>(file, 0);
  header.section_headers = header.section_header_count = header.section_names = 0;
  put_at(file, 0, header);
  const ElfFolder folder;
  write_file(folder.in("library"), renamed(file, {{kName, "libelf_ends.so"}}));
  const Loaded library(folder.in("library"));
  EXPECT_EQ(library.call<std::size_t>("sample_fill_zeros"), 0U);
  EXPECT_TRUE(library.call<bool>("sample_catches", 1));
}

TEST(ElfRename, AnObjectCanBeRenamedAgain) {
  const ElfFolder folder;
  FileBytes library = sample_library();
  FileBytes user = sample_user();
  std::string name = kName;
  for (int round = 0; round < 5; ++round) {
    const std::string next = "libelf_again.so." + std::to_string(round);
    library = renamed(library, {{name, next}});
    user = renamed(user, {{name, next}});
    name = next;
  }
  write_file(folder.in("library"), library);
  write_file(folder.in("user"), user);
  const Loaded loaded_library(folder.in("library"));
  const Loaded loaded_user(folder.in("user"));
  EXPECT_EQ(loaded_user.call("PyInit_sample"), 1);
  EXPECT_EQ(loaded_library.call("sample_count"), 2);
}

TEST(ElfRename, ATableOfSegmentsThatIsASegmentMovesAlong) {
  FileBytes file = sample_library();
  const auto header = plain_at<elf::FileHeader>(file, 0);
  // Turns an entry that loading does not need into a PT_PHDR, which some linkers write into shared objects. It has to come
  // first.
  std::vector<elf::ProgramHeader> segments = segments_of(file);
  const auto note = std::find_if(segments.begin(), segments.end(), [](const auto& one) { return one.type == 4; });
  if (note == segments.end()) GTEST_SKIP() << "no PT_NOTE to replace";
  segments.erase(note);
  elf::ProgramHeader own{};
  own.type = elf::kProgramHeaders;
  own.flags = elf::kReadable;
  own.offset = own.address = own.physical = header.program_headers;
  own.in_file = own.in_memory = (segments.size() + 1) * sizeof own;
  own.alignment = 8;
  segments.insert(segments.begin(), own);
  std::memcpy(file.data() + header.program_headers, segments.data(), segments.size() * sizeof own);

  const FileBytes after = renamed(file, {{kName, "libelf_phdr.so"}});
  const elf::ProgramHeader first = segments_of(after).front();
  EXPECT_EQ(first.offset, plain_at<elf::FileHeader>(after, 0).program_headers);
  EXPECT_EQ(first.in_file, segments_of(after).size() * sizeof own);
  const ElfFolder folder;
  write_file(folder.in("library"), after);
  EXPECT_TRUE(Loaded(folder.in("library")).call<bool>("sample_catches", 1));
}

}  // namespace
}  // namespace aiointerpreters::extensions
