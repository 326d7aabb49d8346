// See home_settings.h.
#include "binding/home_settings.h"

#include <utility>
#include <vector>

#include "binding/module_state.h"
#include "codec/codec.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

// The keys of the root logger's dict are levels. The other dict is the content of the module `warnings`.
void note_settings_change(ModuleState& home, PyDict_WatchEvent event, PyObject* key) {
  HomeSettings& settings = home.environment.settings();
  const bool is_clear = event == PyDict_EVENT_CLEARED;
  if (is_clear) settings.note_change();
  if (is_clear || (key != nullptr && PyUnicode_Check(key) && PyUnicode_EqualToUTF8(key, "filters")))
    settings.note_other_filters();
}

}  // namespace

bool HomeSettings::are_filters_known() noexcept {
  if (are_filters_moved_ && warnings_) {
    are_filters_moved_ = false;
    PyObject* const found = PyDict_GetItemString(warnings_.get(), "filters");  // borrowed
    filters_ = found != nullptr && PyList_CheckExact(found) ? py::Ref::borrow(found) : py::Ref();
  }
  if (!filters_) return true;
  const auto size = static_cast<std::size_t>(PyList_GET_SIZE(filters_.get()));
  if (size != items_.size()) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (PyList_GET_ITEM(filters_.get(), static_cast<Py_ssize_t>(i)) != items_[i].get()) return false;
  }
  return true;
}

bool HomeSettings::read() {
  have_changed_ = false;  // first: a change from now on counts
  const bool is_read = read_now();
  if (!is_read || (cache_ && !watch_.is_on())) have_changed_ = true;
  return is_read;
}

bool HomeSettings::read_now() {
  const py::Ref name = py::Ref::steal(PyUnicode_FromString("logging"));
  const py::Ref logging = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();
  if (!logging) return PyErr_Occurred() == nullptr;
  const py::Ref python_half = py::Ref::steal(PyImport_ImportModule("aiointerpreters._words_home"));
  const py::Ref warnings = python_half ? py::Ref::steal(PyImport_ImportModule("warnings")) : py::Ref();
  const py::Ref cache = warnings ? py::Ref::steal(PyObject_CallMethod(python_half.get(), "mark_cache", nullptr)) : py::Ref();
  if (!cache) return false;
  watch(cache.get(), PyModule_GetDict(warnings.get()));
  std::vector<py::Ref> items;
  if (static_cast<void>(are_filters_known()); filters_) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(filters_.get()); ++i)
      items.push_back(py::Ref::borrow(PyList_GET_ITEM(filters_.get(), i)));
  }
  items_.swap(items);
  py::Ref settings = py::Ref::steal(PyObject_CallMethod(python_half.get(), "settings", nullptr));
  if (!settings) return false;
  const int is_same = settings_ ? PyObject_RichCompareBool(settings.get(), settings_.get(), Py_EQ) : 0;
  if (is_same != 0) return is_same > 0;
  settings_ = std::move(settings);
  is_news_ = true;
  return true;
}

void HomeSettings::watch(PyObject* cache, PyObject* warnings) {
  if (cache == cache_.get() && warnings == warnings_.get()) return;
  watch_.stop();
  if (!PyDict_CheckExact(cache)) return;  // other code has replaced it: what is read now stays
  cache_ = py::Ref::borrow(cache);
  warnings_ = py::Ref::borrow(warnings);
  are_filters_moved_ = true;
  std::vector<py::Ref> watched;
  for (PyObject* const dict : {cache, warnings}) watched.push_back(py::Ref::borrow(dict));
  static_cast<void>(watch_.start<note_settings_change>(std::move(watched)));
}

bool HomeSettings::describe(codec::Runtime& runtime, codec::Message& out) {
  if (!codec::encode_value(runtime, settings_ ? settings_.get() : Py_None, out)) return false;
  is_news_ = false;
  return true;
}

}  // namespace aiointerpreters::binding
