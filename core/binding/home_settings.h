// HomeSettings: notices changes of the levels of home's loggers and of home's warning filters, so that workers can follow
// them.
//
// `logging` keeps in each logger which levels are enabled. When any level changes, it clears all these dicts, the root
// logger's too (`Manager._clear_cache`). That dict is watched, and so is the content of the module `warnings`, where
// `filters` may become another list. Changes inside that list are found by comparing its items, as for sys.path.
// Owner: HomeEnvironment. Requires: attached to home for every use, the destructor included.
#pragma once

#include <vector>

#include "binding/dict_watch.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class HomeSettings {
 public:
  // Whether they may have changed since the last `read`. Runs no Python.
  [[nodiscard]] bool have_changed() noexcept { return have_changed_ || !are_filters_known(); }
  // Reads them. Watches from the first time on, if `logging` has been imported. If no watcher of the interpreter is left,
  // every look finds a change. Runs Python. Errors: false with an exception set.
  [[nodiscard]] bool read();
  // Whether they were found to be different since the last `describe`.
  [[nodiscard]] bool is_news() const noexcept { return is_news_; }
  // Writes what was read: a dict (_words_home.settings), or None. Errors: false with an exception set; also std::bad_alloc.
  [[nodiscard]] bool describe(codec::Runtime& runtime, codec::Message& out);

  // For the watcher.
  void note_change() noexcept { have_changed_ = true; }
  void note_other_filters() noexcept { are_filters_moved_ = true; }

 private:
  [[nodiscard]] bool are_filters_known() noexcept;
  // Reads them without noting what fails.
  [[nodiscard]] bool read_now();
  void watch(PyObject* cache, PyObject* warnings);

  py::Ref cache_;               // the dict of the root logger that is watched
  py::Ref warnings_;            // likewise the content of the module `warnings`
  py::Ref filters_;             // the list of filters there
  std::vector<py::Ref> items_;  // of that list, as they were read; the references keep their addresses unique
  py::Ref settings_;            // a dict; null before `read`
  DictWatch watch_;             // of `cache_` and `warnings_`
  bool have_changed_ = true;
  bool are_filters_moved_ = false;
  bool is_news_ = false;
};

}  // namespace aiointerpreters::binding
