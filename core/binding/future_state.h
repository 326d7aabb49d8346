// The native content of a Future, and its task.
//
// A future has two modes (hazards 28 to 30). At first it is quiet: only the task's state word holds its state, and the
// worker finishes the task without home. When other code first uses its condition, waiters or callbacks, it becomes
// delivered, and stays so. From then on others see a change only when the task is settled, at home and under the condition.
// There is one exception: a future whose only callback comes from asyncio's wrap_future stays quiet, and the event loop of
// that callback calls it.
// Requires: attached to home, for every function here.
#pragma once

#include <utility>

#include "binding/home_task.h"
#include "binding/module_state.h"
#include "pool/task.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// The task of one future. In Lane::kHome it also leads to the callable, which the future holds.
class FutureTask final : public HomeTask {
 public:
  using HomeTask::HomeTask;

  // Keeps the future alive until the task is settled, even if all other references to it are dropped.
  void hold(PyObject* future) noexcept {
    if (future_ == nullptr) future_ = Py_NewRef(future);
  }
  // It is or was in a queue, so a worker handles its end. Set before the task is queued.
  bool queued = false;

  // Makes the event loop of that bridge settle the task. False: the task has already ended, so no loop will settle it.
  [[nodiscard]] bool expect_by(AsyncioBridge& bridge);

  // Gives up the task's reference to the future and returns it; null if there is none.
  [[nodiscard]] py::Ref release_future() noexcept { return py::Ref::steal(std::exchange(future_, nullptr)); }

  void run_at_home() override;
  void settle_at_home(Change how) override;
  void cancel_at_home() override;
  [[nodiscard]] bool arrive() override;
  void lose_loop() override;
};

// The native part of a Future object (docs/design/ownership.md). A state of zero bits is valid, except for the task, which
// exists until the object is deallocated. The objects are members of the type (future_type.cpp), so that the inherited
// garbage collection of the Python base sees them (hazard 28).
struct FutureState {
  base::IntrusivePtr<FutureTask> task;  // never null

  PyObject* outcome;    // the result or the exception, once it is at home; decoded from the message on demand
  PyObject* condition;  // created when it is first requested
  PyObject* waiters;    // list, created in the same way
  PyObject* callbacks;  // list, created in the same way
  PyObject* call;       // Lane::kHome, until it runs: tuple of the callable and all its arguments, keyword values last
  PyObject* kwnames;    // Lane::kHome: tuple of the keyword names, or null

  unsigned decoders;  // threads that are decoding the message now
  bool failed;        // `outcome` is the exception
  bool resolved;      // `outcome` has been set; if it is null, the garbage collector has cleared it
  bool finalized;     // the garbage collector has found it in a cycle; it may still live for a long time
};

[[nodiscard]] FutureState& state_of_future(const ModuleState& home, PyObject* future) noexcept;

// Returns new: a pending future whose task is not queued yet. Null with an exception set. `type` is the native type or a
// class derived from it. Errors: std::bad_alloc too.
[[nodiscard]] py::Ref make_future(ModuleState& home, PyTypeObject* type, pool::Lane lane);

// A quiet future without objects cannot be part of a cycle, so the garbage collector need not track it. This saves much
// time with a hundred thousand futures. CPython does not track tuples of numbers for the same reason.
inline void hide_from_collector(PyObject* future) noexcept { PyObject_GC_UnTrack(future); }
// Call it before a future gets an object that could lead back to the future.
inline void show_to_collector(PyObject* future) noexcept {
  if (!PyObject_GC_IsTracked(future)) PyObject_GC_Track(future);
}

// For a task of Lane::kHome that was taken out of its queue and will not run: drops the future and the call. Returns new:
// (future, callable, arguments, keyword arguments). Null with MemoryError set.
[[nodiscard]] py::Ref take_call(ModuleState& home, FutureTask& task);

// In the child of a fork: ends a future of the parent whose call has not ended, because its workers do not exist in the
// child. Without memory, the future stays pending.
void leave_to_parent(ModuleState& home, FutureState& state) noexcept;

// Switches to the delivered mode.
void begin_delivery(PyObject* future, FutureState& state);
// Adds the callback, if it is asyncio's for the running loop and the only one. False: the caller has to add it in another
// way. Runs Python. Errors: false with MemoryError set.
[[nodiscard]] bool add_callback_of_loop(ModuleState& home, PyObject* future, FutureState& state, PyObject* callback);
// The name of the state that other code sees, in either mode.
[[nodiscard]] const char* shown_state_name(const FutureState& state) noexcept;

// Sets the outcome of a finished future. If decoding fails, the error becomes its exception. Runs Python. Errors: false
// with KeyboardInterrupt or TaskInterrupted set, and the outcome can still be requested again; false with RuntimeError set
// if the garbage collector has cleared the outcome.
[[nodiscard]] bool resolve(ModuleState& home, PyObject* future, FutureState& state);

// Writes the exception that is set to the log of concurrent.futures. `method` is the logger's method. Runs Python. Leaves
// no exception set.
void log_exception(const ModuleState& home, const char* method, const char* format, PyObject* subject);

// Shows the current state of the task to others: under the condition to waiters and sleeping threads, then to the
// callbacks. Requires: delivered mode, the task is done. Runs Python. Errors: an Exception in a callback is logged; false
// with the exception set if it is not an Exception.
[[nodiscard]] bool deliver(ModuleState& home, PyObject* future, FutureState& state);
// Calls the callbacks and drops them. Errors: as deliver.
[[nodiscard]] bool invoke_callbacks(ModuleState& home, PyObject* future, FutureState& state);
[[nodiscard]] bool invoke_callback(ModuleState& home, PyObject* future, PyObject* callback);
// Calls a callback that is added after the end. Requires: the future has been delivered. Errors: as deliver.
[[nodiscard]] bool invoke_callback_at_once(ModuleState& home, PyObject* future, FutureState& state, PyObject* callback);
// Cancels the task if it has not started. Returns 1 if it is cancelled, now or before. Errors: -1, as deliver.
[[nodiscard]] int cancel(ModuleState& home, PyObject* future, FutureState& state);
// Cancels the task if it has not started, and stops it if it runs in an interpreter. Returns 1 if there was a call to stop.
// Errors: -1, as deliver, or with RuntimeError set if the thread that would stop it cannot be started.
[[nodiscard]] int interrupt(ModuleState& home, PyObject* future, FutureState& state);

}  // namespace aiointerpreters::binding
