// See carried_context.h.
#include "binding/carried_context.h"

#include <memory>
#include <utility>

#include "codec/codec.h"

namespace aiointerpreters::binding {

py::Ref declare_context(PyObject* variables) {
  py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._context"));
  py::Ref declared = module ? py::Ref::steal(PyObject_CallMethod(module.get(), "describe", "(O)", variables)) : py::Ref();
  const bool none = declared && PyTuple_GET_SIZE(declared.get()) == 0;
  return none ? py::Ref() : std::move(declared);
}

py::Ref read_context(PyObject* context, std::initializer_list<PyObject*> declared, bool& needs_main) {
  const py::Ref current = context != nullptr ? py::Ref::borrow(context) : py::Ref::steal(PyContext_CopyCurrent());
  py::Ref values = py::Ref::steal(PyDict_New());
  if (!current || !values) return {};
  for (PyObject* const variables : declared) {
    const Py_ssize_t count = variables == nullptr ? 0 : PyTuple_GET_SIZE(variables);
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* const entry = PyTuple_GET_ITEM(variables, i);  // name, variable, whether it is in `__main__`
      py::Ref value;
      const int found = PyMapping_GetOptionalItem(current.get(), PyTuple_GET_ITEM(entry, 1), value.out());
      if (found < 0) return {};
      if (found == 0) continue;
      if (PyDict_SetItem(values.get(), PyTuple_GET_ITEM(entry, 0), value.get()) < 0) return {};
      needs_main |= PyTuple_GET_ITEM(entry, 2) == Py_True;
    }
  }
  return values;
}

bool carry_context(ModuleState& state, PyObject* context, std::initializer_list<PyObject*> declared, pool::Task& task) {
  bool needs_main = false;
  const py::Ref values = read_context(context, declared, needs_main);
  if (!values) return false;
  task.context = std::make_unique<codec::Message>();
  if (!codec::encode_value(state.runtime, values.get(), *task.context, "context variables", codec::Views::kLend))
    return false;
  task.message.needs_main |= needs_main || task.context->needs_main;
  return true;
}

}  // namespace aiointerpreters::binding
