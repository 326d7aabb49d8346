// See dict_watch.h.
#include "binding/dict_watch.h"

#include <utility>

#include "binding/module.h"
#include "binding/module_state.h"
#include "py/error.h"

namespace aiointerpreters::binding {

int DictWatch::tell(Note note, PyDict_WatchEvent event, PyObject* key) noexcept {
  py::Ref error = py::take_exception();
  if (ModuleState* const home = find_state()) note(*home, event, key);
  PyErr_Clear();
  py::restore_exception(std::move(error));
  return 0;
}

bool DictWatch::start_with(PyDict_WatchCallback on_change, std::vector<py::Ref> dicts) noexcept {
  stop();
  dicts_ = std::move(dicts);
  watcher_ = PyDict_AddWatcher(on_change);
  bool is_watched = is_on();
  for (const py::Ref& dict : dicts_) is_watched = is_watched && PyDict_Watch(watcher_, dict.get()) == 0;
  if (is_watched) return true;
  PyErr_Clear();
  stop();
  return false;
}

void DictWatch::stop() noexcept {
  if (!is_on()) return dicts_.clear();
  py::Ref error = py::take_exception();
  // A later watcher may get this number, and would be told of these dicts.
  for (const py::Ref& dict : dicts_)
    if (PyDict_Unwatch(watcher_, dict.get()) < 0) PyErr_Clear();
  if (PyDict_ClearWatcher(watcher_) < 0) PyErr_Clear();
  watcher_ = kNone;
  dicts_.clear();
  py::restore_exception(std::move(error));
}

}  // namespace aiointerpreters::binding
