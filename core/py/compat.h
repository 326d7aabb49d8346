// Every difference between CPython versions is in this file, and nowhere else. ("hazard N": docs/design/hazards.md.)
#pragma once

#include "py/python.h"

namespace aiointerpreters::py {

// Creating interpreters in parallel is a race in CPython's tables before 3.14 (hazard 5).
#if PY_VERSION_HEX < 0x030E0000
inline constexpr bool kOneCreationAtATime = true;
#else
inline constexpr bool kOneCreationAtATime = false;
#endif

// `threading` creates a dummy object for a thread that it has not started. If that object outlives the module, it writes an
// error to stderr (seen on 3.13.0).
inline constexpr bool kDummyThreadsComplain = kOneCreationAtATime;

// Modules with static C state that the main interpreter has to import first. Otherwise ending interpreters corrupts the
// heap (hazard 1: gh-136421, gh-140260, gh-116738; the last of them is fixed in 3.14.2). This depends on the version that
// runs, not on the one that the engine was compiled for.
[[nodiscard]] inline bool needs_home_preimports() noexcept { return Py_Version < 0x030E0200; }

// An interpreter that ends while tracemalloc traces corrupts the heap (hazard 17: gh-155725, fixed in 3.15). This depends
// on the version that runs.
[[nodiscard]] inline bool tracing_spoils_ends() noexcept { return Py_Version < 0x030F0000; }

// Whether CPython ends an interpreter although other threads have states of it. These threads hang when they want to
// attach. Before 3.14 it is a fatal error (hazard 41).
#if PY_VERSION_HEX >= 0x030E0000
inline constexpr bool kEndsUnderThreads = true;
#else
inline constexpr bool kEndsUnderThreads = false;
#endif

// The sampling profiler of 3.15 fails on every sample of the process if one thread state has no Python frame (hazard 37).
// Earlier versions do not need such a frame. On 3.13 it would do harm: sys._current_frames corrupts the heap if other
// interpreters have frames.
#if PY_VERSION_HEX >= 0x030F0000
inline constexpr bool kIdleThreadsNeedFrames = true;
#else
inline constexpr bool kIdleThreadsNeedFrames = false;
#endif

// Extension modules may export slots instead of a function that initializes them (PEP 793, 3.15).
#if PY_VERSION_HEX >= 0x030F0000
inline constexpr bool kModulesExportSlots = true;

// Creates the module that `exported`, a PyModExport_* function, describes. Does not execute it. Requires: attached. Runs
// Python. Null with an exception set, or without one if the function has returned null and set none.
[[nodiscard]] inline PyObject* make_module_of_slots(void* exported, PyObject* spec) {
  PySlot* const slots = reinterpret_cast<PySlot* (*)()>(exported)();
  return slots != nullptr ? PyModule_FromSlotsAndSpec(slots, spec) : nullptr;
}

// Requires: attached. Runs Python. Errors: false with an exception set.
[[nodiscard]] inline bool execute_module_of_slots(PyObject* module) { return PyModule_Exec(module) == 0; }
#else
inline constexpr bool kModulesExportSlots = false;
[[nodiscard]] inline PyObject* make_module_of_slots(void*, PyObject*) noexcept { return nullptr; }
[[nodiscard]] inline bool execute_module_of_slots(PyObject*) noexcept { return true; }
#endif

// Whether CALL_FUNCTION_EX always takes keywords, perhaps NULL (3.14). Before, its argument says whether it takes them.
#if PY_VERSION_HEX >= 0x030E0000
inline constexpr bool kUnpackedCallsTakeNull = true;
#else
inline constexpr bool kUnpackedCallsTakeNull = false;
#endif

// The function that computes the annotations of a function (PEP 649, 3.14); null: there is none. Borrows.
[[nodiscard]] inline PyObject* annotate_of(const PyFunctionObject* function) noexcept {
#if PY_VERSION_HEX >= 0x030E0000
  return function->func_annotate == Py_None ? nullptr : function->func_annotate;
#else
  static_cast<void>(function);
  return nullptr;
#endif
}

// Whether a new function with this code has this docstring. `doc` may be null. Before 3.14, any str that comes first among
// the constants is taken for the docstring.
[[nodiscard]] inline bool is_doc_of_code(const PyCodeObject* code, const PyObject* doc) noexcept {
  const bool has_constants = PyTuple_GET_SIZE(code->co_consts) > 0;
  PyObject* const first = has_constants ? PyTuple_GET_ITEM(code->co_consts, 0) : nullptr;
#if PY_VERSION_HEX >= 0x030E0000
  const bool has_doc = first != nullptr && (code->co_flags & CO_HAS_DOCSTRING) != 0;
#else
  const bool has_doc = first != nullptr && PyUnicode_Check(first);
#endif
  return has_doc ? doc == first : doc == nullptr || doc == Py_None;
}

// A second safeguard: while it lives, finalization waits for the interpreter that was attached when it was created (PEP
// 788, 3.15; it does nothing before). Close it before the interpreter is ended, because that would wait for itself.
class InterpreterGuard {
 public:
  InterpreterGuard() noexcept = default;
  InterpreterGuard(const InterpreterGuard&) = delete;
  InterpreterGuard& operator=(const InterpreterGuard&) = delete;
  ~InterpreterGuard() { close(); }

#if PY_VERSION_HEX >= 0x030F0000
  // Requires: attached. Without memory there is no guard, and only the exit hook protects the interpreter.
  void take() noexcept {
    guard_ = PyInterpreterGuard_FromCurrent();
    if (guard_ == nullptr) PyErr_Clear();
  }
  void close() noexcept {
    if (guard_ != nullptr) PyInterpreterGuard_Close(guard_);
    guard_ = nullptr;
  }

 private:
  PyInterpreterGuard* guard_ = nullptr;
#else
  void take() noexcept {}
  void close() noexcept {}
#endif
};

}  // namespace aiointerpreters::py
