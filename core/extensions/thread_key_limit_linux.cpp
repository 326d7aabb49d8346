// See thread_key_limit.h.
#include "extensions/thread_key_limit.h"

#include <pthread.h>

#include <array>
#include <cstddef>

namespace aiointerpreters::extensions {

namespace {

// OpenSSL needs ten, most of them when it is first used. The rest is for interpreters that load a copy at the same time,
// and for other users.
constexpr std::size_t kKeys = 128;

}  // namespace

bool has_room_for_thread_keys() noexcept {
  std::array<pthread_key_t, kKeys> keys;
  std::size_t count = 0;
  while (count < kKeys && ::pthread_key_create(&keys[count], nullptr) == 0) ++count;
  const bool has_room = count == kKeys;
  while (count > 0) ::pthread_key_delete(keys[--count]);
  return has_room;
}

}  // namespace aiointerpreters::extensions
