// See left_threads.h.
#include "pool/left_threads.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "base/parker.h"
#include "py/attach.h"
#include "py/other_threads.h"
#include "py/stoppable_end.h"

namespace aiointerpreters::pool {

namespace {

using Span = std::chrono::milliseconds;

struct Patience {
  Span between;   // the time between two exceptions
  Span handling;  // how long code may handle it
  Span all;
};
constexpr Patience kPatient{Span(1000), Span(4000), Span(5000)};
constexpr Patience kStopped{Span(200), Span(800), Span(1000)};

// CPython does not report the end of a thread state, so this code polls: at first quickly, because most threads end
// immediately.
constexpr Span kFirstLook{1};
constexpr Span kLastLook{50};

void look_again_at(base::Clock::time_point time) {
  base::Parker parker;
  py::detached([&] {
    parker.park(time);
    return 0;
  });
}

}  // namespace

bool stop_left_threads(const PoolOptions& options, const std::atomic<bool>& stopped) {
  if (!py::has_other_threads()) return true;
  py::silence_stops();
  const auto begin = base::Clock::now();
  auto raised_at = begin;
  bool is_for_good = false;
  py::stop_other_threads();
  for (Span look = kFirstLook; py::has_other_threads(); look = std::min(2 * look, kLastLook)) {
    const auto now = base::Clock::now();
    const Patience& patience = stopped.load(std::memory_order_acquire) ? kStopped : kPatient;
    if (now - begin >= patience.all) {
      options.log_warning("a worker's interpreter stays in memory, because threads that tasks have left there do not end: " +
                          py::names_of_other_threads());
      return false;
    }
    if (now - begin >= patience.handling && !is_for_good) {
      py::stop_other_threads_for_good();
      is_for_good = true;
    }
    if (now - raised_at >= patience.between) {
      py::stop_other_threads();
      raised_at = now;
    }
    look_again_at(now + look);
  }
  return true;
}

}  // namespace aiointerpreters::pool
