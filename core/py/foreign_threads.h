// ForeignThreads: threads that come to an interpreter by those functions of the C API that name none, PyGILState_Ensure
// first of all, and what is to be called there by Py_AddPendingCall. CPython means the main interpreter where a thread has
// no state yet; the private copies of an interpreter mean that one, and are bound to the functions here
// (extensions/bound_functions.h).
//
// A thread that comes is let in by a door (door.h): it gets a thread state for as long as it stays, and the interpreter does
// not end meanwhile. Whoever comes after that waits for ever, as CPython has it at its own end: there is nothing to which it
// could return. But the thread that ends the process and comes from an exit handler goes on with the next handler,
// or the process would never end.
// Owner: the interpreter's host, and itself from `keep` on: code of a copy stays and may call at any time.
// Thread: any, where nothing else is said.
#pragma once

#include <memory>
#include <vector>

#include "base/futex.h"
#include "base/mutex.h"
#include "py/door.h"

namespace aiointerpreters::py {

// Whom it asks to have `run_pending_calls` called soon. Thread: any. Blocks: no.
class PendingCallsBell {
 public:
  virtual void ring_for_pending_calls() noexcept = 0;

 protected:
  ~PendingCallsBell() = default;
};

class ForeignThreads : public std::enable_shared_from_this<ForeignThreads> {
 public:
  using Call = int (*)(void*);

  // Requires: attached to the interpreter. Errors: std::bad_alloc.
  ForeignThreads() = default;
  ForeignThreads(const ForeignThreads&) = delete;
  ForeignThreads& operator=(const ForeignThreads&) = delete;

  // It is there for ever from now on. Requires: it is owned by a shared_ptr. Thread: attached.
  void keep();

  // Attaches the calling thread, which may be attached to another interpreter and is again after `release`. Returns what
  // `release` has to be called with. Blocks: while others hold the GIL; for ever if the interpreter has ended. Does not
  // return from an exit handler then (base/process_end.h).
  [[nodiscard]] int ensure();
  void release(int before);
  // The state that the calling thread has of this interpreter, attached or not; null: none.
  [[nodiscard]] PyThreadState* find_state() const;
  [[nodiscard]] bool is_attached() const noexcept;
  // Whether the calling thread could use this interpreter now: it has a state of it, or would be let in.
  [[nodiscard]] bool can_come() const { return door_.is_open() || find_state() != nullptr; }
  // For threads that make their states themselves: PyThreadState_New, PyThreadState_Delete, PyThreadState_DeleteCurrent. A
  // state that was made here keeps the interpreter from ending until it is deleted here. Blocks: as `ensure`.
  [[nodiscard]] PyThreadState* make_state(PyInterpreterState* interpreter) AIOI_EXCLUDES(mutex_);
  void delete_state(PyThreadState* state) AIOI_EXCLUDES(mutex_);
  void delete_current_state() AIOI_EXCLUDES(mutex_);

  // Only to be compared and handed to the C API.
  [[nodiscard]] PyInterpreterState* interpreter() const noexcept { return interpreter_; }

  // Has the function called in this interpreter soon, by any thread. After the end nothing is called. False without memory.
  [[nodiscard]] bool add_pending_call(Call call, void* argument) noexcept AIOI_EXCLUDES(mutex_);
  // Requires: attached. Runs Python. Leaves no exception set.
  void run_pending_calls() AIOI_EXCLUDES(mutex_);
  void set_bell(std::shared_ptr<PendingCallsBell> bell) noexcept AIOI_EXCLUDES(mutex_);

  // Whether somebody is inside. Thread: any.
  [[nodiscard]] bool has_guests() const noexcept { return door_.has_visitors(); }

  // Lets nobody in any more, and waits for those inside and calls what is pending. To be called before the interpreter ends;
  // again if it returns false: the deadline has passed. Requires: attached. Blocks: detached meanwhile. Runs Python.
  [[nodiscard]] bool close(const base::Deadline& deadline) AIOI_EXCLUDES(mutex_);

 private:
  struct PendingCall {
    Call call;
    void* argument;
  };

  // Whether it was made by `make_state`; from now on it counts as deleted.
  [[nodiscard]] bool forget(const PyThreadState* state) noexcept AIOI_EXCLUDES(mutex_);

  PyInterpreterState* const interpreter_ = PyInterpreterState_Get();
  Door door_;
  std::shared_ptr<ForeignThreads> self_;
  base::Mutex mutex_;
  std::vector<const PyThreadState*> made_ AIOI_GUARDED_BY(mutex_);  // by `make_state`, not deleted yet
  std::vector<PendingCall> pending_ AIOI_GUARDED_BY(mutex_);
  std::shared_ptr<PendingCallsBell> bell_ AIOI_GUARDED_BY(mutex_);
  bool is_closed_ AIOI_GUARDED_BY(mutex_) = false;
};

}  // namespace aiointerpreters::py
