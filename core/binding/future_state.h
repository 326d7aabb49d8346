// The native content of a Future, and the task behind it.
//
// Two modes (hazards 28 to 30). A future is born quiet: only the task's state word holds its state, and the worker never
// needs home to finish it. The first use of its condition, waiters or callbacks makes it delivered, for good. From then on,
// others see changes only at home, under the condition, when the task is settled. If it has nothing but the callback by
// which asyncio's wrap_future awaits it, it stays quiet, and the event loop of that callback calls it.
// Requires: attached to home, for every function here.
#pragma once

#include <utility>

#include "binding/home_task.h"
#include "binding/module_state.h"
#include "pool/task.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// The task of one future; for Lane::kHome it also leads to the callable, which the future holds.
class FutureTask final : public HomeTask {
 public:
  using HomeTask::HomeTask;

  // Keeps the future alive until the task is settled, even if all other references to it are dropped.
  void hold(PyObject* future) noexcept {
    if (future_ == nullptr) future_ = Py_NewRef(future);
  }
  // It is in a queue, or was, so a worker handles its end. Set before the task is queued.
  bool queued = false;

  // Makes the event loop of that bridge settle the task. False: it is not running or queued any more, so no loop will.
  [[nodiscard]] bool expect_by(AsyncioBridge& bridge);

  // The future, which the task does not keep any more; null if it has none.
  [[nodiscard]] py::Ref release_future() noexcept { return py::Ref::steal(std::exchange(future_, nullptr)); }

  void run_at_home() override;
  void settle_at_home(Change how) override;
  void cancel_at_home() override;
  [[nodiscard]] bool arrive() override;
  void lose_loop() override;
};

// The native part of a Future object. (docs/design/ownership.md) All zero bits is a valid state, except for the task, which
// exists until the object is deallocated. The objects are members of the type (future_type.cpp), so that the inherited
// garbage collection of the Python base sees them (hazard 28).
struct FutureState {
  base::IntrusivePtr<FutureTask> task;  // never null

  PyObject* outcome;    // the result or the exception, once home has it; decoded from the task's message on demand
  PyObject* condition;  // made when it is first requested
  PyObject* waiters;    // list, likewise
  PyObject* callbacks;  // list, likewise
  PyObject* call;       // Lane::kHome, until it runs: tuple of the callable, its arguments, the values of its keywords
  PyObject* kwnames;    // Lane::kHome: tuple of the keywords, or null

  unsigned decoders;  // threads that are decoding the message now
  bool failed;        // `outcome` is the exception
  bool resolved;      // `outcome` was there; null all the same: the garbage collector has cleared it
  bool finalized;     // part of a cycle that the garbage collector has found; alive all the same, perhaps for long
};

[[nodiscard]] FutureState& state_of_future(const ModuleState& home, PyObject* future) noexcept;

// Returns new: a pending future with a task that no queue has yet. Null with an exception set.
// `type` is the native type or a class derived from it. Errors: std::bad_alloc too.
[[nodiscard]] py::Ref make_future(ModuleState& home, PyTypeObject* type, pool::Lane lane);

// A quiet future that holds nothing cannot be part of a cycle, so the garbage collector need not look at it. With a hundred
// thousand of them it would spend much time on that. CPython leaves tuples of numbers alone for the same reason.
inline void hide_from_collector(PyObject* future) noexcept { PyObject_GC_UnTrack(future); }
// Call it before a future gets any object that could lead back to it.
inline void show_to_collector(PyObject* future) noexcept {
  if (!PyObject_GC_IsTracked(future)) PyObject_GC_Track(future);
}

// For a task of Lane::kHome that was taken out of its queue and will not be run by a worker: drops the future and the call.
// Returns new: (future, callable, arguments, keyword arguments). Null with MemoryError set.
[[nodiscard]] py::Ref take_call(ModuleState& home, FutureTask& task);

// Ends, in a forked process, a future of the parent whose call had not ended, because its workers are not in this process.
// If there is no memory for that, it stays open.
void leave_to_parent(ModuleState& home, FutureState& state) noexcept;

// Switches to delivered mode.
void begin_delivery(PyObject* future, FutureState& state);
// Adds the callback if it is asyncio's for the running loop, and there is no other; false: it has to be added otherwise.
// Runs Python. Errors: false with MemoryError set.
[[nodiscard]] bool add_callback_of_loop(ModuleState& home, PyObject* future, FutureState& state, PyObject* callback);
// The name of the state as others see it, in either mode.
[[nodiscard]] const char* shown_state_name(const FutureState& state) noexcept;

// Makes the outcome of a finished future available; an error in decoding becomes its exception. Runs Python. Errors: false
// with KeyboardInterrupt or TaskInterrupted set; the outcome is still available. RuntimeError: the garbage collector has
// cleared it.
[[nodiscard]] bool resolve(ModuleState& home, PyObject* future, FutureState& state);

// Writes the exception that is set to the log of concurrent.futures, as `method` of its logger does. Runs Python. Leaves no
// exception set.
void log_exception(const ModuleState& home, const char* method, const char* format, PyObject* subject);

// Shows the present state of the task: to waiters and sleeping threads under the condition, then to the callbacks. Requires:
// delivered mode, the task is done. Runs Python. Errors: an Exception in a callback is logged; false with the exception set
// if it is not an Exception.
[[nodiscard]] bool deliver(ModuleState& home, PyObject* future, FutureState& state);
// Calls and forgets the callbacks. Errors: as deliver.
[[nodiscard]] bool invoke_callbacks(ModuleState& home, PyObject* future, FutureState& state);
[[nodiscard]] bool invoke_callback(ModuleState& home, PyObject* future, PyObject* callback);
// The same for a callback that is added after the end. Requires: the future has been delivered.
[[nodiscard]] bool invoke_callback_at_once(ModuleState& home, PyObject* future, FutureState& state, PyObject* callback);
// Cancels the task if it has not started. True if it is cancelled, now or before. Errors: -1, as deliver.
[[nodiscard]] int cancel(ModuleState& home, PyObject* future, FutureState& state);
// Cancels the task if it has not started, stops it if it runs in an interpreter. True if there was a call to stop. Errors:
// -1, as deliver, or with RuntimeError set if there is no thread that could stop it.
[[nodiscard]] int interrupt(ModuleState& home, PyObject* future, FutureState& state);

}  // namespace aiointerpreters::binding
