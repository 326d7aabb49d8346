// How many keys of memory that each thread has for itself a process may have (PTHREAD_KEYS_MAX; 1,024 in glibc). OpenSSL and
// Rust's standard library take some in each copy, and copies are never unloaded. Rust ends the process where there is none
// ("out of TLS keys"). So copies that take keys are refused before that.
// Thread: any.
#pragma once

#include <string_view>

namespace aiointerpreters::extensions {

// The function that makes keys: who takes some wants it.
inline constexpr std::string_view kMakesThreadKeys = "pthread_key_create";

// Whether an object can be loaded that takes keys, and others still have some left. Makes that many for a moment.
[[nodiscard]] bool has_room_for_thread_keys() noexcept;

}  // namespace aiointerpreters::extensions
