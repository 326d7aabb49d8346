// See mapping_limit.h.
#include "extensions/mapping_limit.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace aiointerpreters::extensions {

namespace {

// More than an object and what it needs take.
constexpr long kNear = 200;

}  // namespace

std::string hint_of_mapping_limit() {
  long most = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> most;
  std::ifstream maps("/proc/self/maps");
  const long now = std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n');
  if (most == 0 || now == 0 || now + kNear < most) return {};
  return "; this process has " + std::to_string(now) + " mappings of memory and may have " + std::to_string(most) +
         " (vm.max_map_count): interpreters that have ended keep those of their copies";
}

}  // namespace aiointerpreters::extensions
