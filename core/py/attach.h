// Attaching and detaching. Only this file and interpreter.h save, restore or create thread states.
//
// Nothing here attaches in a destructor or in a noexcept function: CPython 3.13.0 to 3.13.7 unwinds a thread that wants to
// attach after finalization has begun (hazard 11).
#pragma once

#include "base/mutex.h"
#include "py/python.h"

namespace aiointerpreters::py {

// Runs `wait` with the calling thread detached and returns its result, attached again.
// Requires: attached. Blocks: as `wait` does. `wait` uses no Python object of this interpreter and throws nothing.
template <typename Wait>
auto detached(Wait&& wait) {
  PyThreadState* const state = PyEval_SaveThread();
  auto result = wait();
  PyEval_RestoreThread(state);
  return result;
}

// Takes a lock under which Python code may run. It detaches, because the owner may need this interpreter before it unlocks.
// Requires: attached. Blocks: detached.
inline void lock_detached(base::Mutex& mutex) AIOI_ACQUIRE(mutex) AIOI_UNCHECKED("a callback locks") {
  detached([&]() AIOI_UNCHECKED("its caller has it locked") {
    mutex.lock();
    return 0;
  });
}

// Runs `visit` with the calling thread attached to `interpreter`, by a thread state that exists only for that time (hazard
// 10).
// Requires: not attached; the interpreter does not end meanwhile. Blocks: while other threads hold its GIL. `visit` leaves
// no exception set. Errors: false if there is no memory; `visit` is not called then.
template <typename Visit>
bool visit(PyInterpreterState* interpreter, Visit&& visit) {
  PyThreadState* const state = PyThreadState_New(interpreter);
  if (state == nullptr) return false;
  PyEval_RestoreThread(state);
  visit();
  PyThreadState_Clear(state);
  PyThreadState_DeleteCurrent();
  return true;
}

// A worker thread's two thread states: home's, and that of its own interpreter. At most one is attached at a time.
// Thread: the worker only.
class ThreadSides {
 public:
  enum class Side : unsigned char { kNone, kHome, kOwn };

  // Requires: attached to home, like every thread that Python has started.
  ThreadSides() noexcept : home_(PyThreadState_Get()) {}
  ThreadSides(const ThreadSides&) = delete;
  ThreadSides& operator=(const ThreadSides&) = delete;

  [[nodiscard]] Side side() const noexcept { return side_; }
  [[nodiscard]] bool has_own() const noexcept { return own_ != nullptr; }
  // The state from the interpreter's creation. The interpreter may be ended only with this state (gh-134144).
  [[nodiscard]] PyThreadState* own() const noexcept { return own_; }

  // Blocks: while another thread holds that interpreter's GIL.
  void attach_home() { attach(Side::kHome, home_); }
  void attach_own() { attach(Side::kOwn, own_); }
  void detach() {
    if (side_ == Side::kNone) return;
    PyEval_SaveThread();
    side_ = Side::kNone;
  }

  // Call it immediately after creating an interpreter on this thread, which is then attached to it.
  void adopt_own(PyThreadState* own) noexcept {
    own_ = own;
    side_ = Side::kOwn;
  }
  // Takes over the interpreter of a worker whose thread is attached to home and does not come back meanwhile. Uses a new
  // state, because a state belongs to one thread. The worker's own state is deleted, together with the data that is local
  // to that thread.
  // Requires: this thread is attached to home and has no interpreter. Afterwards it is attached to the interpreter that it
  // took over.
  // Blocks. Runs Python. Errors: false if there is no memory; nothing is done then.
  [[nodiscard]] bool take_over(ThreadSides& worker) {
    PyThreadState* const fresh = PyThreadState_New(PyThreadState_GetInterpreter(worker.own_));
    if (fresh == nullptr) return false;
    own_ = fresh;
    attach_own();
    PyThreadState_Clear(worker.own_);
    PyThreadState_Delete(worker.own_);
    worker.own_ = nullptr;
    return true;
  }
  // Deletes the state of the own interpreter. The interpreter stays, for others. Requires: attached to it. Afterwards the
  // thread is attached to nothing. Runs Python.
  void leave_own() {
    PyThreadState_Clear(own_);
    PyThreadState_DeleteCurrent();
    forget_own();
  }
  // Call it immediately after ending the interpreter, when the thread is attached to nothing.
  void forget_own() noexcept {
    own_ = nullptr;
    side_ = Side::kNone;
  }

 private:
  void attach(Side side, PyThreadState* state) {
    if (side_ == side) return;
    detach();
    PyEval_RestoreThread(state);
    side_ = side;
  }

  PyThreadState* const home_;
  PyThreadState* own_ = nullptr;
  Side side_ = Side::kHome;
};

}  // namespace aiointerpreters::py
