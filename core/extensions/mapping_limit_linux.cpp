// See mapping_limit.h.
#include "extensions/mapping_limit.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>

namespace aiointerpreters::extensions {

namespace {

// More than an object and its libraries need.
constexpr long kNear = 200;

// An object needs fewer than ten. The rest is for other users of memory.
constexpr std::size_t kRoom = 64;

}  // namespace

bool has_room_for_mappings() noexcept {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const begin = ::mmap(nullptr, kRoom * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (begin == MAP_FAILED) return false;
  bool has_room = true;
  // Adjacent pages with different protections are separate mappings.
  for (std::size_t index = 0; has_room && index < kRoom; index += 2) {
    has_room = ::mprotect(static_cast<std::byte*>(begin) + index * page, page, PROT_READ) == 0;
  }
  ::munmap(begin, kRoom * page);
  return has_room;
}

std::string hint_of_mapping_limit() {
  long most = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> most;
  std::ifstream maps("/proc/self/maps");
  const long now = std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n');
  if (most == 0 || now == 0 || now + kNear < most) return {};
  return "; this process has " + std::to_string(now) + " memory mappings, and the system allows " + std::to_string(most) +
         " (vm.max_map_count). Copies stay mapped after their interpreter has ended: reuse executors, or raise the limit";
}

}  // namespace aiointerpreters::extensions
