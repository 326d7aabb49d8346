// Whether this system has private copies of extension modules: the one place that says so. They need the dynamic linker's
// help, and no two systems' linkers are alike. A port brings its own share of what *_linux.cpp has,
// and gives no reason here any more.
// Thread: any.
#pragma once

#include <cstdlib>  // any header of the C library's has glibc say what it is

#include "extensions/elf_format.h"

#define AIOI_ONLY_WHERE \
  "private copies of extension modules are available only on Linux with glibc on x86-64 and AArch64; this is "

namespace aiointerpreters::extensions {

// Why there are none, as a sentence. Null: there are.
[[nodiscard]] constexpr const char* unsupported_reason() noexcept {
#if defined(_WIN32)
  return AIOI_ONLY_WHERE "Windows";
#elif defined(__APPLE__)
  return AIOI_ONLY_WHERE "macOS";
#elif !defined(__linux__)
  return AIOI_ONLY_WHERE "another system";
#elif !defined(__GLIBC__)
  // Among others: musl knows a library that it has loaded by its path, not by its SONAME,
  // so a copy would not find what it needs.
  return AIOI_ONLY_WHERE "Linux with another C library (musl)";
#else
  return elf::kOwnMachine == elf::kNoMachine ? AIOI_ONLY_WHERE "another processor" : nullptr;
#endif
}

}  // namespace aiointerpreters::extensions

#undef AIOI_ONLY_WHERE
