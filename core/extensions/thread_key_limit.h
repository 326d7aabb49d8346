// The limit on keys for thread-specific data in a process (PTHREAD_KEYS_MAX; 1,024 in glibc). OpenSSL and Rust's standard
// library take some in each copy, and copies are never unloaded. Rust ends the process if no key is left ("out of TLS
// keys"). So copies that need keys are refused before that.
// Thread: any.
#pragma once

#include <string_view>

namespace aiointerpreters::extensions {

// The function that creates keys. An object that needs keys imports it.
inline constexpr std::string_view kMakesThreadKeys = "pthread_key_create";

// Whether an object that needs keys can be loaded, with some keys left for other users. To find out, creates this many keys
// for a moment.
[[nodiscard]] bool has_room_for_thread_keys() noexcept;

}  // namespace aiointerpreters::extensions
