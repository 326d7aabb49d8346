// Symbols that C++ makes unique in a process: copies of an object share them, unless each copy gets its own.
#include "extensions/elf_unique.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "elf_samples.h"
#include "extensions/elf_file.h"

#if defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)

namespace aiointerpreters::extensions {
namespace {

// Calls the counting function in the object's template.
int count_in(const std::string& path) {
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return -1;
  return reinterpret_cast<int (*)()>(dlsym(handle, "PyModExport_sample"))();
}

// A copy of the counting sample with unique symbols of its own.
FileBytes own_copy(const SymbolNames& shared) {
  FileBytes file = sample_user();
  apply_edits(edits_to_own_unique_symbols(sample_user(), shared), file);
  return file;
}

TEST(ElfUnique, CopiesOfAnObjectHaveOneVariableTogether) {
  const ElfFolder folder;
  write_file(folder.in("libelf_sample.so.1"), sample_library());
  write_file(folder.in("first"), sample_user());
  write_file(folder.in("second"), sample_user());
  const int before = count_in(folder.in("first"));
  EXPECT_EQ(count_in(folder.in("second")), before + 1);
}

TEST(ElfUnique, EachCopyHasAVariableOfItsOwn) {
  const ElfFolder folder;
  write_file(folder.in("libelf_sample.so.1"), sample_library());
  write_file(folder.in("home"), sample_user());
  write_file(folder.in("first"), own_copy({}));
  write_file(folder.in("second"), own_copy({}));
  const int before = count_in(folder.in("home"));
  for (int round = 1; round <= 3; ++round) {
    EXPECT_EQ(count_in(folder.in("home")), before + round);
    EXPECT_EQ(count_in(folder.in("first")), round);
    EXPECT_EQ(count_in(folder.in("second")), round);
  }
}

TEST(ElfUnique, WhatOthersHaveTooStaysShared) {
  const ElfFile file = read_elf_file(sample_user());
  ASSERT_FALSE(file.unique_symbols.empty());
  EXPECT_TRUE(edits_to_own_unique_symbols(sample_user(), {file.unique_symbols.begin(), file.unique_symbols.end()}).empty());
  EXPECT_TRUE(read_elf_file(own_copy({})).unique_symbols.empty());
}

}  // namespace
}  // namespace aiointerpreters::extensions

#endif
