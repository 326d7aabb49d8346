// See home_task.h.
#include "binding/home_task.h"

#include <memory>
#include <new>
#include <string>
#include <utility>

#include "binding/asyncio_bridge.h"
#include "binding/moved_call.h"
#include "binding/spare.h"
#include "codec/codec.h"
#include "pool/glance.h"
#include "pool/pool.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

int interrupt_by(pool::Interrupter& interrupter, pool::Task& task) {
  if (interrupter.interrupt(pool::TaskPtr(&task))) return 1;
  PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
  return -1;
}

}  // namespace

void HomeTask::visit_home_to_settle(Change how) {
  home_.runtime.lessor->door().visit([&] {
    const unsigned long thread = PyThread_get_thread_ident();
    const bool is_noted = py::guarded(false, [&] {
      home_.settling.insert_or_assign(thread, this->pool);
      return true;
    });
    PyErr_Clear();
    is_refused ? move_elsewhere() : settle_at_home(how);
    if (is_noted) home_.settling.erase(thread);
  });
}

void HomeTask::settle_at_home(Change how) {
  if (how != Change::kMail) return;
  // bridge_ is not used: it is null if nobody waits for this task any more, but the mailbox may contain later tasks.
  for (const auto& [loop, bridge] : home_.asyncio.bridges) {
    if (bridge->mailbox().get() == mailbox.get()) return bridge->call_loop();
  }
}

void HomeTask::tell_in(py::Ref telling) {
  if (bridge_ == nullptr) return;
  const py::Ref before = py::Ref::steal(std::exchange(context_, telling.release()));
}

void HomeTask::report_ignored_interrupt() {
  try {
    const std::string name = pool::name_of_call(*this);
    if (home_.reporter) {
      home_.reporter->warn((name.empty() ? "a task" : name) +
                           " still runs in a worker's interpreter, seconds after it was interrupted: it may catch "
                           "TaskInterrupted, or be inside C code");
    }
  } catch (const std::bad_alloc&) {  // no memory for the warning
  }
}

HomeTask::Aside& HomeTask::aside() {
  if (!aside_) aside_ = std::make_unique<Aside>();
  return *aside_;
}

void HomeTask::keep_spare(PyObject* spare) {
  Aside& kept = aside();
  kept.spare_loan = home_.runtime.lessor->lend(spare);
  may_move = static_cast<bool>(kept.spare_loan);
  kept.spare = may_move ? spare : nullptr;
}

void HomeTask::set_moved(PyObject* moved) {
  if (moved != nullptr || aside_) aside().moved = moved;
}

void HomeTask::move_elsewhere() {
  const pool::TaskPtr kept(this);
  is_refused = false;
  // relaxed: as in encode_outcome.
  if (interrupted() || is_forgotten.load(std::memory_order_relaxed)) {
    message.clear();
    outcome = Outcome::kNone;
    return end_here();
  }
  const py::Ref error = outcome == Outcome::kException ? codec::decode_exception(home_.runtime, message) : py::Ref();
  message.clear();
  const py::Ref moved = make_moved_call(home_, *this, aside_->spare, error.get());
  place = spare_item(aside_->spare, SpareItem::kInProcess) == Py_True ? Place::kProcess : Place::kThread;
  if (moved) forget_spare();  // the moved call has it
  // Decoding has run Python, so an interrupt may have come meanwhile. The code that runs the call handles it.
  if (moved && put_back() && start_moved(moved, "refused")) return;
  fail_with_current();
}

void HomeTask::forget_spare() noexcept {
  aside_->spare = nullptr;
  aside_->spare_loan = codec::Loan();
}

void HomeTask::drop_own_outcome() {
  if (!aside_ || aside_->outcome == nullptr) return;
  aside_->outcome = nullptr;
  aside_->outcome_loan = codec::Loan();
  home_.runtime.lessor->take_back();
}

void HomeTask::fail_with_current() {
  const py::Ref error = py::take_exception();
  if (done()) return;
  static_cast<void>(start());
  end_with(error ? error.get() : Py_None, true);
}

void HomeTask::end_with(PyObject* object, bool failed) {
  try {
    Aside& kept = aside();
    kept.outcome_loan = home_.runtime.lessor->lend(object);
    kept.outcome = kept.outcome_loan ? object : nullptr;
    outcome = kept.outcome == nullptr ? Outcome::kNoMemory : failed ? Outcome::kOwnError : Outcome::kOwnValue;
  } catch (const std::bad_alloc&) {
    outcome = Outcome::kNoMemory;
  }
  end_here();
}

void HomeTask::end_here() {
  const Change change = finish();
  if (change != Change::kLost && needs_home(change)) settle_at_home(change);
}

const char* place_name(HomeTask::Place place) noexcept {
  switch (place) {
    case HomeTask::Place::kThread:
      return "thread";
    case HomeTask::Place::kProcess:
      return "process";
    case HomeTask::Place::kLane:
      break;
  }
  return "interpreter";
}

int interrupt_running(const ModuleState& home, HomeTask& task) {
  if (task.place != HomeTask::Place::kLane) return interrupt_moved(task);
  if (task.lane == pool::Lane::kHome || !task.request_interrupt()) return 0;
  const auto found = home.pools.find(task.pool);
  const std::shared_ptr<pool::Pool> pool = found != home.pools.end() ? found->second.lock() : nullptr;
  const std::shared_ptr<pool::Interrupter> interrupter = pool ? pool->interrupter_of(task) : nullptr;
  return interrupter ? interrupt_by(*interrupter, task) : 1;
}

}  // namespace aiointerpreters::binding
