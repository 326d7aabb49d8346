// An attribute that is found without running code of others: in a module, in an object, or in a class.
// Requires: attached.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Returns new; null, perhaps with an exception set, if there is no such attribute, or if other code would have to find it: a
// property or another descriptor, `__getattr__`, a metaclass.
[[nodiscard]] py::Ref plain_attribute(const ModuleState& state, PyObject* owner, PyObject* name);

// Looks the name up in the class and its bases. Returns new; null if it is not there, or with an exception set.
[[nodiscard]] py::Ref find_in_class(PyTypeObject* type, PyObject* name);

}  // namespace aiointerpreters::binding
