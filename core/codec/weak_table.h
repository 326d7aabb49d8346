// WeakTable: values for Python objects, by address. A value is dropped when its object dies.
// Requires: attached to one interpreter, for every use. Owner: an object that outlives no object of that interpreter.
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>

#include "py/callback.h"
#include "py/error.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

template <typename Value>
class WeakTable {
 public:
  WeakTable() noexcept = default;
  WeakTable(const WeakTable&) = delete;
  WeakTable& operator=(const WeakTable&) = delete;

  // Null if the object has none. Valid until the next `set` of the same object.
  [[nodiscard]] Value* find(PyObject* object) {
    const auto entry = entries_.find(object);
    return entry == entries_.end() ? nullptr : &entry->second.value;
  }
  // Objects without weak references are not remembered. Runs Python: the collector. Errors: std::bad_alloc.
  void set(PyObject* object, Value value) {
    if (Value* const known = find(object)) {
      const Value old = std::exchange(*known, std::move(value));  // dropped last
      return;
    }
    if (!callback_) callback_.emplace(definition, this);
    py::Ref weak = callback_->get() == nullptr ? py::Ref() : py::Ref::steal(PyWeakref_NewRef(object, callback_->get()));
    if (!weak) return PyErr_Clear();
    PyObject* const key = weak.get();
    objects_.emplace(key, object);
    try {
      entries_.insert_or_assign(object, Entry{std::move(weak), std::move(value)});
    } catch (...) {
      objects_.erase(key);
      throw;
    }
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    py::Ref weak;
    Value value;
  };

  // Called when an object has died. Its address may be that of a new object only after this.
  static PyObject* drop(PyObject* capsule, PyObject* weak) {
    WeakTable* const table = py::Callback<WeakTable>::target(capsule);
    if (table == nullptr) {  // the table is being destroyed
      PyErr_Clear();
      Py_RETURN_NONE;
    }
    if (const auto object = table->objects_.find(weak); object != table->objects_.end()) {
      const auto entry = table->entries_.extract(object->second);  // destroyed last, because that may drop further objects
      table->objects_.erase(object);
    }
    Py_RETURN_NONE;
  }
  static inline PyMethodDef definition = {"drop", drop, METH_O, nullptr};

  std::unordered_map<PyObject*, Entry> entries_;
  std::unordered_map<PyObject*, PyObject*> objects_;  // by their weak references
  std::optional<py::Callback<WeakTable>> callback_;   // destroyed first, so that no dying object finds half a table
};

}  // namespace aiointerpreters::codec
