// Ref: one owned reference to a Python object.
// Requires: created, moved and destroyed only while the object's own interpreter is attached. The destructor never
// attaches. An object that may die elsewhere is first handed back to its interpreter (docs/design/ownership.md).
#pragma once

#include <utility>

#include "py/python.h"

namespace aiointerpreters::py {

class Ref {
 public:
  Ref() noexcept = default;
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    PyObject* old = std::exchange(object_, std::exchange(other.object_, nullptr));
    Py_XDECREF(old);  // last: it may run Python code, which must find this Ref complete
    return *this;
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  ~Ref() { Py_XDECREF(object_); }

  // Takes over a new reference, as most of the C API returns it; null means that the call failed.
  [[nodiscard]] static Ref steal(PyObject* object) noexcept { return Ref(object); }
  // Adds a reference of its own to a borrowed one; null stays null.
  [[nodiscard]] static Ref borrow(PyObject* object) noexcept { return Ref(Py_XNewRef(object)); }

  [[nodiscard]] PyObject* get() const noexcept { return object_; }
  // Gives the reference away, to a C API function that steals it or to a slot's return value.
  [[nodiscard]] PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  void reset() noexcept { *this = Ref(); }
  // For functions with an out parameter of type PyObject**: drops the reference and returns the address to write to.
  [[nodiscard]] PyObject** out() noexcept {
    reset();
    return &object_;
  }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  explicit Ref(PyObject* object) noexcept : object_(object) {}
  PyObject* object_ = nullptr;
};

}  // namespace aiointerpreters::py
