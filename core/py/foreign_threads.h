// ForeignThreads: threads that enter an interpreter by functions of the C API that name no interpreter, above all
// PyGILState_Ensure, and functions that Py_AddPendingCall will call there. For a thread without a state, CPython uses the
// main interpreter. The private copies of an interpreter use their own interpreter; they are bound to the functions here
// (extensions/bound_functions.h).
//
// A door (door.h) lets a thread in: the thread gets a thread state for its stay, and the interpreter does not end meanwhile.
// A thread that comes after the end waits for ever, as in CPython at its own end, because there is nothing to which it could
// return. There is one exception: the thread that ends the process and comes from an exit handler continues with the next
// handler. Otherwise the process would never end.
// Owner: the interpreter's host, and from `keep` on also itself: the code of a copy stays and may call at any time.
// Thread: any, unless stated otherwise.
#pragma once

#include <memory>
#include <vector>

#include "base/futex.h"
#include "base/mutex.h"
#include "py/door.h"

namespace aiointerpreters::py {

// The object that it asks to call `run_pending_calls` soon. Thread: any. Blocks: no.
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

  // Makes it live for ever from now on. Requires: it is owned by a shared_ptr. Thread: attached.
  void keep();

  // Attaches the calling thread. If the thread is attached to another interpreter, `release` attaches it to that one again.
  // Returns the argument for `release`. Blocks: while other threads hold the GIL; for ever if the interpreter has ended. If
  // it is called by an exit handler then, it does not return (base/process_end.h).
  [[nodiscard]] int ensure();
  void release(int before);
  // The calling thread's state of this interpreter, attached or not; null: it has none.
  [[nodiscard]] PyThreadState* find_state() const;
  [[nodiscard]] bool is_attached() const noexcept;
  // Whether the calling thread could use this interpreter now: it has a state of it, or the door would let it in.
  [[nodiscard]] bool can_come() const { return door_.is_open() || find_state() != nullptr; }
  // For threads that make their states themselves: PyThreadState_New, PyThreadState_Delete, PyThreadState_DeleteCurrent. A
  // state that was made here keeps the interpreter from ending until it is deleted here. Blocks: like `ensure`.
  [[nodiscard]] PyThreadState* make_state(PyInterpreterState* interpreter) AIOI_EXCLUDES(mutex_);
  void delete_state(PyThreadState* state) AIOI_EXCLUDES(mutex_);
  void delete_current_state() AIOI_EXCLUDES(mutex_);

  // Only for comparing and for passing to the C API.
  [[nodiscard]] PyInterpreterState* interpreter() const noexcept { return interpreter_; }

  // Has the function called in this interpreter soon, by any thread. After the end nothing is called. False if there is no
  // memory.
  [[nodiscard]] bool add_pending_call(Call call, void* argument) noexcept AIOI_EXCLUDES(mutex_);
  // Requires: attached. Runs Python. Leaves no exception set.
  void run_pending_calls() AIOI_EXCLUDES(mutex_);
  void set_bell(std::shared_ptr<PendingCallsBell> bell) noexcept AIOI_EXCLUDES(mutex_);

  // Whether a thread is inside. Thread: any.
  [[nodiscard]] bool has_guests() const noexcept { return door_.has_visitors(); }

  // Lets no more threads in, waits for those inside, and runs the pending calls. Call it before the interpreter ends; call
  // it again if it returns false, which means that the deadline has passed. Requires: attached. Blocks: detached meanwhile.
  // Runs Python.
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
