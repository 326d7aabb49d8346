// ForeignThreads: threads that enter an interpreter by functions of the C API that name no interpreter, above all
// PyGILState_Ensure. It also has the functions that Py_AddPendingCall wants to call there. For a thread without a state,
// CPython uses the main interpreter. The private copies of an interpreter use their own interpreter instead: they are bound
// to the functions here (extensions/bound_functions.h).
//
// A door (door.h) lets a thread in. The thread gets a thread state for its stay, and the interpreter does not end
// meanwhile. A thread that comes after the end waits forever, as in CPython when the process ends, because there is nothing
// to which it could return. There is one exception: if the thread that ends the process comes from an exit handler, it
// continues with the next handler. Otherwise the process would never end.
// Owner: the interpreter's host. After `keep` also itself, because the code of a copy stays and may call at any time.
// Thread: any, unless stated otherwise.
#pragma once

#include <memory>
#include <vector>

#include "base/futex.h"
#include "base/mutex.h"
#include "py/door.h"

namespace aiointerpreters::py {

// An object that is asked to call `run_pending_calls` soon. Thread: any. Blocks: no.
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

  // From now on it lives forever. Requires: a shared_ptr owns it. Thread: attached.
  void keep();

  // Attaches the calling thread. If it was attached to another interpreter, `release` attaches it to that one again.
  // Returns the argument for `release`. Blocks: while other threads hold the GIL; forever if the interpreter has ended. In
  // that case, if an exit handler calls it, it does not return (base/process_end.h).
  [[nodiscard]] int ensure();
  void release(int before);
  // The calling thread's state of this interpreter, attached or not; null: it has none.
  [[nodiscard]] PyThreadState* find_state() const;
  [[nodiscard]] bool is_attached() const noexcept;
  // Whether the calling thread could use this interpreter now: it has a state of it, or the door is open.
  [[nodiscard]] bool can_come() const { return door_.is_open() || find_state() != nullptr; }
  // For threads that create their states themselves: PyThreadState_New, PyThreadState_Delete, PyThreadState_DeleteCurrent.
  // A state from here prevents the interpreter's end until it is deleted here. Blocks: like `ensure`.
  [[nodiscard]] PyThreadState* make_state(PyInterpreterState* interpreter) AIOI_EXCLUDES(mutex_);
  void delete_state(PyThreadState* state) AIOI_EXCLUDES(mutex_);
  void delete_current_state() AIOI_EXCLUDES(mutex_);

  // Only for comparing, and for passing to the C API.
  [[nodiscard]] PyInterpreterState* interpreter() const noexcept { return interpreter_; }

  // Has the function called in this interpreter soon, by any thread. After the end it is never called. False if there is no
  // memory.
  [[nodiscard]] bool add_pending_call(Call call, void* argument) noexcept AIOI_EXCLUDES(mutex_);
  // Requires: attached. Runs Python. Leaves no exception set.
  void run_pending_calls() AIOI_EXCLUDES(mutex_);
  void set_bell(std::shared_ptr<PendingCallsBell> bell) noexcept AIOI_EXCLUDES(mutex_);

  // Whether a thread is inside. Thread: any.
  [[nodiscard]] bool has_guests() const noexcept { return door_.has_visitors(); }

  // Lets no more threads in, waits for those inside, and runs the pending calls. Call it before the interpreter ends.
  // False: the deadline has passed, so call it again. Requires: attached. Blocks: detached meanwhile. Runs Python.
  [[nodiscard]] bool close(const base::Deadline& deadline) AIOI_EXCLUDES(mutex_);

 private:
  struct PendingCall {
    Call call;
    void* argument;
  };

  // Whether `make_state` has created it. From now on it counts as deleted.
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
