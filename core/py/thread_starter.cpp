// See thread_starter.h.
#include "py/thread_starter.h"

#include <cstring>

namespace aiointerpreters::py {

Ref find_thread_starter() {
  constexpr const char* kName = "start_joinable_thread";
  Ref module = Ref::steal(PyImport_ImportModule("_thread"));
  if (!module) return module;
  // A library can patch the attributes of the module, but not its definition.
  const PyModuleDef* const definition = PyModule_Check(module.get()) ? PyModule_GetDef(module.get()) : nullptr;
  PyMethodDef* method = definition == nullptr ? nullptr : definition->m_methods;
  while (method != nullptr && method->ml_name != nullptr && std::strcmp(method->ml_name, kName) != 0) ++method;
  if (method != nullptr && method->ml_name != nullptr) return Ref::steal(PyCFunction_New(method, module.get()));
  PyErr_Clear();
  return Ref::steal(PyObject_GetAttrString(module.get(), kName));
}

Ref start_thread(const Ref& starter, const Ref& function, PyObject* handle) {
  const Ref args = Ref::steal(PyTuple_Pack(1, function.get()));
  const Ref kwargs =
      args ? Ref::steal(Py_BuildValue("{sOsO}", "daemon", Py_False, "handle", handle != nullptr ? handle : Py_None)) : Ref();
  return kwargs ? Ref::steal(PyObject_Call(starter.get(), args.get(), kwargs.get())) : Ref();
}

}  // namespace aiointerpreters::py
