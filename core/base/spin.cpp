// The one question of spin.h that has a platform in it.
#include "base/spin.h"

#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace aiointerpreters::base {

unsigned usable_cpus() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
#endif
  const unsigned known = std::thread::hardware_concurrency();
  return known == 0 ? 1 : known;
}

}  // namespace aiointerpreters::base
