// See cpu.h. Other platforms than Linux only count processors.
#include "base/cpu.h"

#include <algorithm>
#include <exception>
#include <thread>

#include "base/cpu_quota.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace aiointerpreters::base {

namespace {

unsigned allowed_cpus() noexcept {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return static_cast<unsigned>(CPU_COUNT(&allowed));
#endif
  const unsigned known = std::thread::hardware_concurrency();
  return known == 0 ? 1 : known;
}

}  // namespace

unsigned usable_cpus() noexcept {
  unsigned usable = allowed_cpus();
#if defined(__linux__)
  try {
    const std::optional<double> quota = cpu_quota();
    if (quota && *quota < usable) usable = static_cast<unsigned>(*quota);
  } catch (const std::exception&) {  // no memory to read it
  }
#endif
  return std::max(usable, 1U);
}

#if defined(__linux__)
int current_cpu() noexcept { return sched_getcpu(); }

void leave_cpu(int cpu) noexcept {
  cpu_set_t usable;
  if (cpu < 0 || sched_getaffinity(0, sizeof usable, &usable) != 0) return;
  cpu_set_t others = usable;
  CPU_CLR(static_cast<unsigned>(cpu), &others);
  if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0) {
    sched_setaffinity(0, sizeof usable, &usable);
  }
}
#else
int current_cpu() noexcept { return -1; }
void leave_cpu(int) noexcept {}
#endif

}  // namespace aiointerpreters::base
