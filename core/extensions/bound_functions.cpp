// See bound_functions.h. None of them is noexcept: CPython may unwind the thread (docs/design/hazards.md, 11).
#include "extensions/bound_functions.h"

#include <array>

#include "py/python.h"

namespace aiointerpreters::extensions {

namespace {

using py::ForeignThreads;

constexpr int kNull = 0;
constexpr int kAttached = 0;  // PyGILState_LOCKED: a thread is attached while it loads a copy
constexpr int kFull = -1;

int ensure(void*, void*, ForeignThreads* threads) { return threads->ensure(); }

void release(int before, void*, ForeignThreads* threads) { threads->release(before); }

int check(void*, void*, ForeignThreads* threads) { return threads->is_attached() ? 1 : 0; }

void* find_state(void*, void*, ForeignThreads* threads) { return threads->find_state(); }

// Destructors call this to learn whether they can still return their objects to the interpreter.
int is_initialized(void*, void*, ForeignThreads* threads) { return Py_IsInitialized() != 0 && threads->can_come() ? 1 : 0; }

int is_finalizing(void*, void*, ForeignThreads* threads) { return Py_IsFinalizing() != 0 || !threads->can_come() ? 1 : 0; }

int add_pending_call(ForeignThreads::Call call, void* argument, ForeignThreads* threads) {
  return threads->add_pending_call(call, argument) ? 0 : kFull;
}

void* main_interpreter(void*, void*, ForeignThreads* threads) { return threads->interpreter(); }

// Pointers to thread states are only passed on here.
void* make_state(PyInterpreterState* interpreter, void*, ForeignThreads* threads) {
  return threads->make_state(interpreter);
}

void delete_state(void* state, void*, ForeignThreads* threads) {
  threads->delete_state(static_cast<decltype(threads->find_state())>(state));
}

void delete_current_state(void*, void*, ForeignThreads* threads) { threads->delete_current_state(); }

template <typename Function>
BoundFunction bound(const char* name, Function* function, int unbound) {
  return {name, reinterpret_cast<void (*)()>(function), unbound};
}

}  // namespace

std::span<const BoundFunction> functions_for_copies() noexcept {
  static const std::array kFunctions{
      bound("PyGILState_Ensure", ensure, kAttached),
      bound("PyGILState_Release", release, kNull),
      bound("PyGILState_Check", check, 1),
      bound("PyGILState_GetThisThreadState", find_state, kNull),
      bound("Py_IsInitialized", is_initialized, 1),
      bound("Py_IsFinalizing", is_finalizing, 0),
      bound("_Py_IsFinalizing", is_finalizing, 0),
      bound("PyThreadState_New", make_state, kNull),
      bound("PyThreadState_Delete", delete_state, kNull),
      bound("PyThreadState_DeleteCurrent", delete_current_state, kNull),
      bound("Py_AddPendingCall", add_pending_call, kFull),
      bound("PyInterpreterState_Main", main_interpreter, kNull),
  };
  return kFunctions;
}

}  // namespace aiointerpreters::extensions
