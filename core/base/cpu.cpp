// See cpu.h. Other platforms than Linux only count processors.
#include "base/cpu.h"

#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace aiointerpreters::base {

unsigned usable_cpus() noexcept {
#if defined(__linux__)
  cpu_set_t usable;
  if (sched_getaffinity(0, sizeof usable, &usable) == 0) return static_cast<unsigned>(CPU_COUNT(&usable));
#endif
  const unsigned known = std::thread::hardware_concurrency();
  return known == 0 ? 1 : known;
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
