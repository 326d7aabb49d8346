// HomeVariables: notices changes of home's `os.environ`, so that workers can follow it.
//
// `os.environ` keeps its content in a dict, whatever changes it: assignments, `update`, `clear`, `os.reload_environ`. A
// dict watcher of CPython is told of each change of that dict. So looking whether something has changed costs nothing.
// Owner: HomeEnvironment. Requires: attached to home for every use, the destructor included.
#pragma once

#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class HomeVariables {
 public:
  HomeVariables() noexcept = default;
  HomeVariables(const HomeVariables&) = delete;
  HomeVariables& operator=(const HomeVariables&) = delete;
  ~HomeVariables() { stop(); }

  // Begins to watch, once. If no watcher of the interpreter is left, every look finds a change. Runs Python the first time:
  // an import of `os`. Errors: false with an exception set.
  [[nodiscard]] bool watch();
  // Whether they may have changed since the last `describe`.
  [[nodiscard]] bool have_changed() const noexcept { return have_changed_; }
  void note_change() noexcept { have_changed_ = true; }
  // Writes the current content: a dict, as `os.environ` keeps it, or None if other code has replaced `os.environ`. Errors:
  // false with an exception set; also std::bad_alloc.
  [[nodiscard]] bool describe(codec::Runtime& runtime, codec::Message& out);
  // Watches no longer.
  void stop() noexcept;

 private:
  static constexpr int kNone = -1;

  py::Ref content_;  // the dict; null before `watch`, and if `os.environ` has no such dict
  int watcher_ = kNone;
  bool is_watching_ = false;
  bool have_changed_ = true;
};

}  // namespace aiointerpreters::binding
