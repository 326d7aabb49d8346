// `aiointerpreters.interpreter`: the tag that sends a callable to a worker's interpreter.
// Requires: attached, for every function here.
#pragma once

#include "binding/module_state.h"
#include "binding/routing.h"
#include "codec/callable_ref.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Creates the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_tag_type(PyObject* module);

[[nodiscard]] inline bool is_tag(const ModuleState& state, PyObject* object) noexcept {
  return PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(state.runtime.tag_type.get())) != 0;
}

// The callable inside. Requires: is_tag. Borrows.
[[nodiscard]] PyObject* tagged_callable(PyObject* tag) noexcept;
// The context variables that were declared with it (carried_context.h); null: none. Requires: is_tag. Borrows.
[[nodiscard]] PyObject* tagged_context(PyObject* tag) noexcept;
// Describes a callable for workers. Runs Python. Errors: null, exception set.
[[nodiscard]] codec::CallablePtr describe_callable(ModuleState& state, PyObject* callable);
// Where its calls may run. Requires: is_tag.
[[nodiscard]] Routing tagged_routing(PyObject* tag) noexcept;
// Describes it for workers. A tag whose callable crosses by reference is looked up once. Runs Python. Errors: null,
// exception set.
[[nodiscard]] codec::CallablePtr describe_tagged(ModuleState& state, PyObject* tag);
// A tag with the callable in its current state, for a whole `map`: a callable that crosses by value is pickled once.
// A callable that cannot cross, but may run elsewhere, is not captured. `fallback` is the executor's. Requires: is_tag.
// Returns new; null with an exception set. Runs Python.
[[nodiscard]] py::Ref capture(ModuleState& state, PyObject* tag, Fallback fallback);

}  // namespace aiointerpreters::binding
