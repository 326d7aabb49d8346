// See abandoned.h.
#include "py/abandoned.h"

#include <utility>

#include "py/compat.h"
#include "py/other_threads.h"
#include "py/ref.h"
#include "py/stoppable_end.h"

namespace aiointerpreters::py {

namespace {

// The interpreter that was added last. release when one is added, acquire when all are taken.
constinit std::atomic<Abandoned*> first{nullptr};
constinit std::atomic<std::size_t> count{0};  // relaxed: only for a message

void put_back(std::unique_ptr<Abandoned> one) noexcept {
  one->next = first.load(std::memory_order_relaxed);
  while (!first.compare_exchange_weak(one->next, one.get(), std::memory_order_release, std::memory_order_relaxed)) {
  }
  static_cast<void>(one.release());
}

// Otherwise CPython would wait for the threads that `threading` still lists.
void forget_threading() {
  const Ref modules = Ref::borrow(PyImport_GetModuleDict());
  if (modules && PyDict_DelItemString(modules.get(), "threading") < 0) PyErr_Clear();
}

// Deletes the states of the other threads before CPython ends the interpreter. These threads are asleep, and do not return
// when they wake up (hazard 11).
void delete_other_states(PyThreadState* own) {
  PyThreadState* state = PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(own));
  while (state != nullptr) {
    PyThreadState* const next = PyThreadState_Next(state);
    if (state != own) {
      PyThreadState_Clear(state);
      PyThreadState_Delete(state);
    }
    state = next;
  }
}

// Takes the whole list, and ends the interpreters that `ended` can end.
template <typename End>
void end_each(End&& end) {
  std::unique_ptr<Abandoned> one(first.exchange(nullptr, std::memory_order_acquire));
  while (one) {
    std::unique_ptr<Abandoned> next(std::exchange(one->next, nullptr));
    if (end(*one)) {
      count.fetch_sub(1, std::memory_order_relaxed);
    } else {
      put_back(std::move(one));
    }
    one = std::move(next);
  }
}

}  // namespace

void keep_abandoned(std::unique_ptr<Abandoned> one) noexcept {
  count.fetch_add(1, std::memory_order_relaxed);
  put_back(std::move(one));
}

std::size_t count_abandoned() noexcept { return count.load(std::memory_order_relaxed); }

void end_deserted(const std::atomic<bool>& stops) {
  end_each([&](const Abandoned& one) {
    const bool is_left = has_threads(one.interpreter) || (one.threads && one.threads->has_guests());
    PyThreadState* const state = is_left ? nullptr : PyThreadState_New(one.interpreter);
    if (state == nullptr) return false;
    PyEval_RestoreThread(state);
    if (one.threads) static_cast<void>(one.threads->close(base::Deadline()));  // runs the pending calls
    begin_stoppable_end(stops);
    Py_EndInterpreter(state);
    return true;
  });
}

void end_all_abandoned() {
  static const std::atomic<bool> kStops{true};
  end_each([](const Abandoned& one) {
    PyThreadState* const state = PyThreadState_New(one.interpreter);
    if (state == nullptr) return false;
    PyEval_RestoreThread(state);
    begin_stoppable_end(kStops);
    if (!kEndsUnderThreads) delete_other_states(state);
    forget_threading();
    Py_EndInterpreter(state);
    return true;
  });
}

void forget_abandoned() noexcept {
  first.store(nullptr, std::memory_order_relaxed);
  count.store(0, std::memory_order_relaxed);
}

}  // namespace aiointerpreters::py
