// Extensions that are known not to work as private copies, and extensions that are trusted all the same.
#include "extensions/unsound.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "extensions/elf_bind.h"

namespace aiointerpreters::extensions {
namespace {

TEST(Unsound, TrustCoversModulesAndWhatIsInPackages) {
  const Trust trust("memray, package.module,,");
  for (const char* const name : {"memray", "memray._memray", "package.module", "package.module.part"}) {
    EXPECT_TRUE(trust.covers(name)) << name;
  }
  for (const char* const name : {"", "memra", "memray2", "package", "package.modules", "other.memray"}) {
    EXPECT_FALSE(trust.covers(name)) << name;
  }
  EXPECT_FALSE(Trust("").covers("memray"));
}

TEST(Unsound, ModulesAreKnownByName) {
  EXPECT_NE(reason_against("memray._memray"), nullptr);
  EXPECT_NE(reason_against("torch._C"), nullptr);
  EXPECT_EQ(reason_against("memrays"), nullptr);
  EXPECT_EQ(reason_against("numpy"), nullptr);
}

TEST(Unsound, ObjectsAreKnownByWhatTheyWant) {
  EXPECT_EQ(reason_against(std::vector<std::string>{"PyList_New", "PyMem_SetAllocators"}), nullptr);
  EXPECT_NE(reason_against(std::vector<std::string>{"PyList_New", "PyMem_SetAllocator"}), nullptr);
}

TEST(Unsound, WhatCanBeBoundIsSound) {
  EXPECT_EQ(reason_against("greenlet._greenlet") == nullptr, can_bind());
  EXPECT_EQ(reason_against(std::vector<std::string>{"Py_AddPendingCall"}) == nullptr, can_bind());
}

TEST(Unsound, ARefusalTellsWhatWhereWhyAndWhatToDo) {
  EXPECT_EQ(refusal("a.b", "/x/b.so", "it is so"),
            "a.b does not work in a worker's interpreter: it is so (/x/b.so; set AIOINTERPRETERS_EXTENSIONS_TRUSTED=a to "
            "load it anyway)");
}

TEST(Unsound, ARefusalDoesNotSayHowToLoadWhatWouldCrashTheProcess) {
  EXPECT_EQ(refusal("torch._C", "/x/_C.so", "it is so"),
            "torch._C does not work in a worker's interpreter: it is so (/x/_C.so)");
}

}  // namespace
}  // namespace aiointerpreters::extensions
