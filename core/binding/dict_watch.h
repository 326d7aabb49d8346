// DictWatch: has a function called before each change of some dicts of home.
//
// It is a dict watcher of CPython (PyDict_AddWatcher), of which an interpreter has eight. So looking whether something has
// changed costs nothing.
// Owner: the object that wants to know. Requires: attached to home for every use, the destructor included.
#pragma once

#include <utility>
#include <vector>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

struct ModuleState;

class DictWatch {
 public:
  // `key` is null if the change is not one of a single key. Called with no exception set. Must not run Python, and may leave
  // an exception set, which is dropped.
  using Note = void (*)(ModuleState& home, PyDict_WatchEvent event, PyObject* key);

  DictWatch() noexcept = default;
  DictWatch(const DictWatch&) = delete;
  DictWatch& operator=(const DictWatch&) = delete;
  ~DictWatch() { stop(); }

  // Watches these dicts and no others. Errors: false, with no exception set, if no watcher is left: it watches nothing then.
  template <Note kNote>
  [[nodiscard]] bool start(std::vector<py::Ref> dicts) noexcept {
    const auto on_change = [](PyDict_WatchEvent event, PyObject*, PyObject* key, PyObject*) {
      return tell(kNote, event, key);
    };
    return start_with(on_change, std::move(dicts));
  }
  void stop() noexcept;
  [[nodiscard]] bool is_on() const noexcept { return watcher_ != kNone; }

 private:
  static constexpr int kNone = -1;

  // CPython calls it immediately before the change, with the GIL held until the change is made.
  [[nodiscard]] static int tell(Note note, PyDict_WatchEvent event, PyObject* key) noexcept;
  [[nodiscard]] bool start_with(PyDict_WatchCallback on_change, std::vector<py::Ref> dicts) noexcept;

  std::vector<py::Ref> dicts_;
  int watcher_ = kNone;
};

}  // namespace aiointerpreters::binding
