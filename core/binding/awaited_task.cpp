// See awaited_task.h.
#include "binding/awaited_task.h"

#include <utility>

#include "binding/outcome.h"
#include "binding/run_future_type.h"
#include "py/attach.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

// Completes a future that is not done: calls the method with the argument, or cancels the future if `method` is null. Runs
// Python. Errors: false with the exception set.
bool tell(const AsyncioState::Names& names, PyObject* future, PyObject* method, PyObject* argument) {
  const py::Ref done = py::Ref::steal(PyObject_CallMethodNoArgs(future, names.done.get()));
  if (done.get() != Py_False) return static_cast<bool>(done);
  return static_cast<bool>(py::Ref::steal(method == nullptr ? PyObject_CallMethodNoArgs(future, names.cancel.get())
                                                            : PyObject_CallMethodOneArg(future, method, argument)));
}

}  // namespace

bool AwaitedTask::expect(AsyncioBridge& bridge, PyObject* future) {
  future_ = Py_NewRef(future);
  state_of_run_future(home(), future).task = this;
  return expect_soon(bridge);
}

bool AwaitedTask::expect_soon(AsyncioBridge& bridge) {
  if (bridge.expect_soon(*this)) return true;
  py::Ref error = py::take_exception();
  forget();
  py::restore_exception(std::move(error));
  return false;
}

bool AwaitedTask::move(AsyncioBridge& bridge, PyObject* waker) {
  const AwaitedTaskPtr kept(this);
  const bool was_fresh = is_fresh();
  AsyncioBridge::forget(*this);
  waker_ = Py_NewRef(waker);
  if (was_fresh) return expect_soon(bridge);  // no mail has been requested yet
  bridge.expect(*this);
  // From now on `settle_at_home` handles its end. If it has already ended, it is in the other loop's mailbox, and is
  // dropped there.
  return request_delivery().open() || AsyncioBridge::deliver(*this);
}

void AwaitedTask::settle_at_home(Change how) {
  if (how != Change::kDeliver) return HomeTask::settle_at_home(how);
  if (is_outstanding() && !bridge()->mailbox()->post(pool::TaskPtr(this))) bridge()->call_loop();
}

AwaitedTask::Found AwaitedTask::find_end() {
  const AwaitedTaskPtr kept(this);
  if (!is_outstanding() || forks != home().forks) return Found::kNothing;
  if (running_loop(home()).get() != bridge()->loop()) return Found::kNothing;
  const auto has_ended = [this] { return done() && (state() != State::kCancelled || notified()); };
  if (!has_ended()) {
    if (!bridge()->waits_only_for(*this)) return Found::kNothing;
    const auto budget = bridge()->spins.begin();
    if (budget.count() == 0) return Found::kNothing;
    const base::Spun spun = py::detached([&] { return pool::Task::spin(budget); });
    if (!is_outstanding()) return Found::kNothing;  // other threads have run meanwhile
    bridge()->spins.learn(spun);
    if (!has_ended()) return Found::kNothing;
  }
  if (decodes_by_python(*this)) tell_in(py::Ref::steal(PyContext_CopyCurrent()));
  PyErr_Clear();  // without memory, it is delivered in the context in which `run` was called
  const bool is_told = AsyncioBridge::deliver(*this);
  home().runtime.lessor->take_back();  // memory and objects that were lent for the call
  return is_told ? Found::kEnd : Found::kError;
}

void AwaitedTask::note_waiter(py::Ref waiting) {
  const bool is_await = std::exchange(is_await_coming_, false);
  if (is_await || !is_awaited_) tell_in(std::move(waiting));
  is_awaited_ |= is_await;
}

void AwaitedTask::forget() {
  const AwaitedTaskPtr kept(this);
  AsyncioBridge::forget(*this);
  const py::Ref waker = py::Ref::steal(std::exchange(waker_, nullptr));
  const py::Ref future = py::Ref::steal(std::exchange(future_, nullptr));
  if (!future) return;
  RunFutureState& state = state_of_run_future(home(), future.get());
  state.task = nullptr;
  state.place = place;
}

void AwaitedTask::stop() {
  const AwaitedTaskPtr kept(this);
  forget();
  if (forks != home().forks || cancel() != Change::kLost || cancelling_ != Cancelling::kStops) return;
  is_forgotten.store(true, std::memory_order_relaxed);
  if (interrupt_running(home(), *this) >= 0) return;
  PyErr_Clear();
  log_warning(
      "a call keeps running although its await was cancelled: the thread that would interrupt it could not be started");
}

void AwaitedTask::cancel_at_home() {
  static_cast<void>(cancel());
  const Change change = notify_cancelled();
  if (needs_home(change)) settle_at_home(change);
}

bool AwaitedTask::arrive() {
  const AsyncioState::Names& names = home().asyncio.names;
  bool is_cancelled = state() == State::kCancelled;
  Decoded end;
  if (!is_cancelled) {
    end = decode_outcome(home(), *this);
    if (!end.object) return false;
    // The call was stopped, alone or together with others. The awaiting code sees this as a cancellation.
    is_cancelled = end.failed && cancelling_ == Cancelling::kStops &&
                   PyErr_GivenExceptionMatches(end.object.get(), home().runtime.task_interrupted.get()) != 0;
  }
  const py::Ref future = py::Ref::borrow(future_);  // read now: decoding may have run Python code that has cancelled it
  const py::Ref waker = py::Ref::borrow(waker_);
  forget();
  if (!future) return true;
  PyObject* const method = is_cancelled ? nullptr : (end.failed ? names.set_exception : names.set_result).get();
  if (!tell(names, future.get(), method, end.object.get())) return false;
  return !waker || tell(names, waker.get(), names.set_result.get(), Py_None);
}

}  // namespace aiointerpreters::binding
