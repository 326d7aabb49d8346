// Whether this system supports private copies of extension modules. No other file decides this. Private copies need the
// dynamic linker, and every system's linker is different. A port provides its own versions of the *_linux.cpp files and
// removes its reason here.
// Thread: any.
#pragma once

#include <cstdlib>  // any header of the C library: glibc defines its macros there

#include "extensions/elf_format.h"

#define AIOI_ONLY_WHERE \
  "private copies of extension modules are available only on Linux with glibc on x86-64 and AArch64; this is "

namespace aiointerpreters::extensions {

// The reason why private copies are not supported, as a sentence. Null: they are.
[[nodiscard]] constexpr const char* unsupported_reason() noexcept {
#if defined(_WIN32)
  return AIOI_ONLY_WHERE "Windows";
#elif defined(__APPLE__)
  return AIOI_ONLY_WHERE "macOS";
#elif !defined(__linux__)
  return AIOI_ONLY_WHERE "another system";
#elif !defined(__GLIBC__)
  // One reason: musl knows a loaded library by its path, not by its SONAME. So a copy would not find the libraries that it
  // needs.
  return AIOI_ONLY_WHERE "Linux with another C library (musl)";
#else
  return elf::kOwnMachine == elf::kNoMachine ? AIOI_ONLY_WHERE "another processor" : nullptr;
#endif
}

}  // namespace aiointerpreters::extensions

#undef AIOI_ONLY_WHERE
