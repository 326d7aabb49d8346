// Functions of a copy that call functions of ours, which know the copy.
#include "extensions/elf_bind.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <link.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "elf_samples.h"
#include "extensions/elf_constructors.h"
#include "extensions/elf_file.h"
#include "extensions/shared_object.h"

namespace aiointerpreters::extensions {
namespace {

constexpr int kUnbound = -7;

int add(long one, long other, const int* third) { return static_cast<int>(one + other) + *third; }
long third(void*, void*, const int* third) { return *third; }

std::array<BoundFunction, 3> functions() {
  return {BoundFunction{"PySample_Call", reinterpret_cast<void (*)()>(add), kUnbound},
          BoundFunction{"PySample_Weak", reinterpret_cast<void (*)()>(third), 0},
          BoundFunction{"PySample_Other", reinterpret_cast<void (*)()>(third), 0}};
}

// A copy of a sample, bound, with another name.
class Bound {
 public:
  Bound(const std::string& sample, const std::string& path, int flags, const LibraryNames& names = {}, bool defer = false) {
    FileBytes file = read_file(sample);
    const ElfImage image(file);
    ElfAdditions additions(image);
    Edits edits = edits_to_rename(image, names, additions);
    for (Edit& edit : edits_to_bind(image, functions(), additions, table_)) edits.push_back(std::move(edit));
    if (defer) {
      for (Edit& edit : edits_to_defer_constructors(image, constructors_)) edits.push_back(std::move(edit));
    }
    for (Edit& edit : additions.edits()) edits.push_back(std::move(edit));
    apply_edits(edits, file);
    write_file(path, file);
    handle_ = dlopen(path.c_str(), flags | RTLD_LOCAL);
    if (handle_ == nullptr) ADD_FAILURE() << dlerror();
  }

  void fill(const int& value) const {
    link_map* map = nullptr;
    ASSERT_EQ(dlinfo(handle_, RTLD_DI_LINKMAP, static_cast<void*>(&map)), 0);
    auto* const slots = reinterpret_cast<const void**>(map->l_addr + table_.address);
    for (std::size_t index = 0; index < table_.functions.size(); ++index) {
      slots[index + 1] = reinterpret_cast<const void*>(table_.functions[index]);
    }
    slots[0] = &value;
  }
  template <typename Result = int, typename... Arguments>
  [[nodiscard]] Result call(const char* name, Arguments... arguments) const {
    return reinterpret_cast<Result (*)(Arguments...)>(dlsym(handle_, name))(arguments...);
  }
  [[nodiscard]] const BindingTable& table() const { return table_; }
  void run() const { run_constructors(handle_, constructors_); }

 private:
  BindingTable table_;
  Constructors constructors_;
  void* handle_ = nullptr;
};

// The ways to link the sample, and to load it.
using Way = std::pair<const char*, int>;
class ElfBind : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (!can_bind()) GTEST_SKIP() << "no code for this machine";
  }
};

TEST_P(ElfBind, EveryWayToCallLeadsToTheFunctionThatKnowsTheCopy) {
  const ElfFolder folder;
  const Bound one(GetParam().first, folder.in("one"), GetParam().second);
  const Bound other(GetParam().first, folder.in("other"), GetParam().second);
  const int hundred = 100;
  const int thousand = 1000;
  one.fill(hundred);
  other.fill(thousand);
  for (const auto& [copy, value] : {std::pair(&one, hundred), std::pair(&other, thousand)}) {
    EXPECT_EQ(copy->call("sample_call", 1L, 2L), value + 3);
    EXPECT_EQ(copy->call("sample_call_by_data", 3L, 4L), value + 7);
    EXPECT_EQ(copy->call<long>("sample_call_weak"), value);
  }
}

TEST_P(ElfBind, UntilTheTableIsFilledANumberIsReturned) {
  const ElfFolder folder;
  const Bound bound(GetParam().first, folder.in("copy"), GetParam().second);
  EXPECT_EQ(bound.call("sample_at_load"), kUnbound);
  EXPECT_EQ(bound.call("sample_call", 1L, 2L), kUnbound);
  EXPECT_EQ(bound.call<long>("sample_call_weak"), 0);
  EXPECT_EQ(bound.table().functions.size(), 2U);
}

TEST_P(ElfBind, ConstructorsThatAreDeferredRunWhenTheTableIsFilled) {
  const ElfFolder folder;
  const int value = 10;
  const Bound bound(GetParam().first, folder.in("copy"), GetParam().second, {}, true);
  EXPECT_EQ(bound.call("sample_at_load"), 0);
  bound.fill(value);
  bound.run();
  EXPECT_EQ(bound.call("sample_at_load"), 13);
}

TEST_P(ElfBind, ItGoesTogetherWithOtherNames) {
  const ElfFolder folder;
  const int value = 10;
  const Bound bound(GetParam().first, folder.in("copy"), GetParam().second, {{"libelf_caller.so", "libelf_bound.so"}});
  bound.fill(value);
  EXPECT_EQ(bound.call("sample_call", 1L, 2L), 13);
  EXPECT_EQ(read_elf_file(read_file(folder.in("copy"))).soname, "libelf_bound.so");
}

INSTANTIATE_TEST_SUITE_P(Linked, ElfBind,
                         testing::Values(Way(ELF_SAMPLE_CALLER_LAZY, RTLD_LAZY), Way(ELF_SAMPLE_CALLER_LAZY, RTLD_NOW),
                                         Way(ELF_SAMPLE_CALLER_NOW, RTLD_LAZY), Way(ELF_SAMPLE_CALLER_NO_PLT, RTLD_NOW)));

TEST(ElfBindNothing, AnObjectThatWantsNoneOfThemIsLeftAsItIs) {
  const FileBytes file = sample_library();
  const ElfImage image(file);
  ElfAdditions additions(image);
  BindingTable table;
  EXPECT_TRUE(edits_to_bind(image, functions(), additions, table).empty());
  EXPECT_TRUE(additions.edits().empty());
  EXPECT_EQ(table.address, 0U);
}

TEST(SharedObject, WhatTheDynamicLinkerDoesNotKnowHasNoAddress) {
  EXPECT_THROW(static_cast<void>(address_in(nullptr, 8)), std::runtime_error);
  EXPECT_THROW(run_constructors(nullptr, {8, 0, 0}), std::runtime_error);
}

TEST(ElfAdditions, NoMoreSegmentsAreAddedThanTheTableHasRoomFor) {
  const FileBytes file = sample_library();
  const ElfImage image(file);
  ElfAdditions additions(image);
  for (std::size_t index = 0; index < ElfAdditions::kMost; ++index) additions.add(elf::kReadable, "more");
  const Edits edits = additions.edits();
  EXPECT_THROW(additions.add(elf::kReadable, "too much"), std::logic_error);
  EXPECT_EQ(additions.edits().back().bytes, edits.back().bytes) << "nothing has changed";
}

}  // namespace
}  // namespace aiointerpreters::extensions
