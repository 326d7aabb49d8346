// See foreign_threads.h.
#include "py/foreign_threads.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <ranges>
#include <utility>

#include "base/process_end.h"

namespace aiointerpreters::py {

namespace {

// The return values of `ensure`: values of PyGILState_STATE.
constexpr int kWasAttached = 0;
constexpr int kWasNot = 1;

// One stay of a thread, from an `ensure` that has attached it until the `release`.
struct Stay {
  ForeignThreads* where;
  PyThreadState* state;  // the state that it is attached with
  PyThreadState* other;  // the state of another interpreter that it was attached to; null: none
  bool is_guest;         // the state was created for this stay
};

// The stays of a thread, in order.
struct Stays {
  std::vector<Stay> list;

  Stays() = default;
  Stays(const Stays&) = delete;
  Stays& operator=(const Stays&) = delete;
  // Some threads end without a `release`. Nothing is done once Python has ended: before 3.13.8, attaching would unwind the
  // thread (hazard 11).
  ~Stays() {
    while (!list.empty() && Py_IsFinalizing() == 0 && Py_IsInitialized() != 0) list.back().where->release(kWasNot);
  }

  [[nodiscard]] auto find(const ForeignThreads* where) {
    const auto found = std::ranges::find(list.rbegin(), list.rend(), where, &Stay::where);
    return found == list.rend() ? list.end() : std::prev(found.base());
  }
};

Stays& stays() {
  static thread_local Stays of_thread;
  return of_thread;
}

// Whether Python has ended, so that no thread attaches to anything any more.
bool is_python_gone() noexcept { return Py_IsInitialized() == 0 && Py_IsFinalizing() == 0; }

// For a thread that may not enter the interpreter any more. It must not return to code that would use the interpreter. If
// the thread runs exit handlers, it continues with the next one. Otherwise it waits forever.
[[noreturn]] void stay_outside() {
  if (base::runs_exit_handlers()) base::go_on_with_exit();
  const std::atomic<std::uint32_t> word{0};
  for (;;) static_cast<void>(base::wait_on(word, 0, base::Deadline()));
}

}  // namespace

void ForeignThreads::keep() {
  self_ = shared_from_this();
  // When Python has ended, the process is about to exit. Handlers that others register later run before ours.
  static const bool is_watched = Py_AtExit([] { base::watch_for_exit(); }) == 0;
  static_cast<void>(is_watched);
}

bool ForeignThreads::is_attached() const noexcept {
  PyThreadState* const current = PyThreadState_GetUnchecked();
  return current != nullptr && PyThreadState_GetInterpreter(current) == interpreter_;
}

PyThreadState* ForeignThreads::find_state() const {
  if (is_attached()) return PyThreadState_GetUnchecked();
  if (const auto stay = stays().find(this); stay != stays().list.end()) return stay->state;
  // If Python has started the thread here and it is detached: the state with which it was last attached.
  PyThreadState* const own = PyGILState_GetThisThreadState();
  return own != nullptr && PyThreadState_GetInterpreter(own) == interpreter_ ? own : nullptr;
}

int ForeignThreads::ensure() {
  if (is_attached()) return kWasAttached;
  PyThreadState* state = find_state();
  PyThreadState* const other = PyThreadState_GetUnchecked() != nullptr ? PyEval_SaveThread() : nullptr;
  const bool is_guest = state == nullptr;
  if (is_guest) {
    if (is_python_gone() || !door_.enter()) stay_outside();
    state = PyThreadState_New(interpreter_);
    if (state == nullptr)
      Py_FatalError("not enough memory for the thread state of a thread that enters an interpreter (PyGILState_Ensure)");
  }
  PyEval_RestoreThread(state);
  stays().list.push_back({this, state, other, is_guest});
  return kWasNot;
}

void ForeignThreads::release(int before) {
  if (before == kWasAttached) return;
  const auto found = stays().find(this);
  if (found == stays().list.end())
    Py_FatalError("a thread leaves an interpreter that it has not entered (PyGILState_Release without PyGILState_Ensure)");
  const Stay stay = *found;
  if (is_python_gone()) stay_outside();
  if (stay.is_guest) {
    if (!is_attached()) PyEval_RestoreThread(stay.state);
    PyThreadState_Clear(stay.state);  // runs code that may enter and leave again
    stays().list.erase(stays().find(this));
    PyThreadState_DeleteCurrent();
    door_.leave();
  } else {
    stays().list.erase(found);
    if (is_attached()) PyEval_SaveThread();
  }
  if (stay.other != nullptr) PyEval_RestoreThread(stay.other);
}

PyThreadState* ForeignThreads::make_state(PyInterpreterState* interpreter) {
  if (interpreter != interpreter_) return PyThreadState_New(interpreter);
  if (is_python_gone() || !door_.enter()) stay_outside();
  PyThreadState* const state = PyThreadState_New(interpreter);
  const base::Lock lock(mutex_);
  if (state != nullptr) made_.push_back(state);
  if (state == nullptr) door_.leave();
  return state;
}

void ForeignThreads::delete_state(PyThreadState* state) {
  const bool is_guest = forget(state);
  PyThreadState_Delete(state);
  if (is_guest) door_.leave();
}

void ForeignThreads::delete_current_state() {
  const bool is_guest = forget(PyThreadState_GetUnchecked());
  PyThreadState_DeleteCurrent();
  if (is_guest) door_.leave();
}

bool ForeignThreads::forget(const PyThreadState* state) noexcept {
  const base::Lock lock(mutex_);
  return std::erase(made_, state) != 0;
}

bool ForeignThreads::add_pending_call(Call call, void* argument) noexcept {
  std::shared_ptr<PendingCallsBell> bell;
  {
    const base::Lock lock(mutex_);
    if (is_closed_) return true;
    try {
      pending_.push_back({call, argument});
    } catch (const std::bad_alloc&) {
      return false;
    }
    bell = bell_;
  }
  if (bell) bell->ring_for_pending_calls();
  return true;
}

void ForeignThreads::run_pending_calls() {
  std::vector<PendingCall> calls;
  {
    const base::Lock lock(mutex_);
    calls.swap(pending_);
  }
  for (const PendingCall& pending : calls) {
    if (pending.call(pending.argument) < 0) PyErr_WriteUnraisable(nullptr);
  }
}

void ForeignThreads::set_bell(std::shared_ptr<PendingCallsBell> bell) noexcept {
  const base::Lock lock(mutex_);
  bell_.swap(bell);
}

bool ForeignThreads::close(const base::Deadline& deadline) {
  if (!door_.close(deadline)) return false;
  run_pending_calls();
  const base::Lock lock(mutex_);
  is_closed_ = true;
  pending_.clear();  // calls that were added by those calls
  bell_.reset();
  return true;
}

}  // namespace aiointerpreters::py
