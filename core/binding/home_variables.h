// HomeVariables: notices changes of home's `os.environ`, so that workers can follow it.
//
// `os.environ` keeps its content in a dict, whatever changes it: assignments, `update`, `clear`, `os.reload_environ`. That
// dict is watched.
// Owner: HomeEnvironment. Requires: attached to home for every use, the destructor included.
#pragma once

#include "binding/dict_watch.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class HomeVariables {
 public:
  // Begins to watch, once. If no watcher of the interpreter is left, every look finds a change. Runs Python the first time:
  // an import of `os`. Errors: false with an exception set.
  [[nodiscard]] bool watch();
  // Whether they may have changed since the last `describe`.
  [[nodiscard]] bool have_changed() const noexcept { return have_changed_; }
  void note_change() noexcept { have_changed_ = true; }
  // Writes the current content: a dict, as `os.environ` keeps it, or None if other code has replaced `os.environ`. Errors:
  // false with an exception set; also std::bad_alloc.
  [[nodiscard]] bool describe(codec::Runtime& runtime, codec::Message& out);

 private:
  py::Ref content_;  // the dict; null before `watch`, and if `os.environ` has no such dict
  DictWatch content_watch_;
  bool is_watching_ = false;
  bool have_changed_ = true;
};

}  // namespace aiointerpreters::binding
