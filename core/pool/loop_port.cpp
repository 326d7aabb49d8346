// See loop_port.h.
#include "pool/loop_port.h"

#include <new>
#include <utility>

#include "pool/attendant.h"

namespace aiointerpreters::pool {

bool LoopPort::interrupt(TaskPtr task) noexcept {
  std::shared_ptr<Attendant> attendant;
  try {
    base::Lock lock(mutex_);
    cancelled_.push_back(task);
    attendant = attendant_;
  } catch (const std::bad_alloc&) {
    return false;
  }
  mailbox->remind();
  return !attendant || attendant->watch(std::move(task));
}

bool LoopPort::interrupt_all() noexcept {
  stopped_.store(true, std::memory_order_release);
  mailbox->remind();
  return true;
}

std::vector<TaskPtr> LoopPort::take_cancelled() noexcept {
  base::Lock lock(mutex_);
  return std::exchange(cancelled_, {});
}

void LoopPort::set_attendant(std::shared_ptr<Attendant> attendant) noexcept {
  base::Lock lock(mutex_);
  attendant_ = std::move(attendant);
}

}  // namespace aiointerpreters::pool
