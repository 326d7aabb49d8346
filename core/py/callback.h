// Callback: a Python callable of one argument that calls a C++ object while that object exists. If code keeps the callable
// longer, calling it raises RuntimeError.
// Owner: a scope within the target's life. Requires: attached.
#pragma once

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

template <typename Target>
class Callback {
 public:
  // `definition` is static, of a METH_O function that finds its object by `target`. Check `get` afterwards.
  Callback(PyMethodDef& definition, Target* target) : capsule_(Ref::steal(PyCapsule_New(target, nullptr, nullptr))) {
    if (!capsule_ || PyCapsule_SetContext(capsule_.get(), target) < 0) return;
    function_ = Ref::steal(PyCFunction_New(&definition, capsule_.get()));
  }
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  ~Callback() {
    if (capsule_) PyCapsule_SetContext(capsule_.get(), nullptr);
  }

  // Null, with an exception set, if it could not be created. Borrows.
  [[nodiscard]] PyObject* get() const noexcept { return function_.get(); }
  // The object that the function is called for. `capsule` is the function's first argument. Null with RuntimeError set if
  // the object is gone.
  [[nodiscard]] static Target* target(PyObject* capsule) {
    auto* const found = static_cast<Target*>(PyCapsule_GetContext(capsule));
    if (found == nullptr) PyErr_SetString(PyExc_RuntimeError, "the object that this callback belongs to is gone");
    return found;
  }

 private:
  Ref capsule_;
  Ref function_;
};

}  // namespace aiointerpreters::py
