// See glance.h.
#include "pool/glance.h"

namespace aiointerpreters::pool {

std::string name_of_call(const Call& call) {
  if (!call.callable || call.callable->qualname.empty()) return {};
  return call.callable->by_reference() ? call.callable->module + '.' + call.callable->qualname : call.callable->qualname;
}

void Glance::wait(const base::Deadline& deadline) const noexcept {
  while (state_.load(std::memory_order_acquire) == kAsked && !base::is_over(deadline)) {
    static_cast<void>(base::wait_on(state_, kAsked, deadline));
  }
}

}  // namespace aiointerpreters::pool
