// See warm_up.h.
#include "pool/warm_up.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace aiointerpreters::pool {

void WarmUp::keep(std::size_t least) noexcept {
  least_ = least;
  wanted_ = std::max(wanted_, least);
}

void WarmUp::wait(TaskPtr task, std::size_t hosts) noexcept {
  task->number_ = hosts;
  wanted_ = std::max(wanted_, hosts);
  waiting_.push(std::move(task));
}

void WarmUp::release(std::size_t ready, TaskList& into) noexcept {
  TaskList all = std::move(waiting_);
  wanted_ = least_;
  while (TaskPtr task = all.pop()) {
    const auto hosts = static_cast<std::size_t>(task->number_);
    if (hosts <= ready) {
      into.push(std::move(task));
    } else {
      wait(std::move(task), hosts);
    }
  }
}

void WarmUp::release_all(TaskList& into) noexcept { release(std::numeric_limits<std::size_t>::max(), into); }

}  // namespace aiointerpreters::pool
