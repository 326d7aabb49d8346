// See module_versions.h.
#include "codec/module_versions.h"

#include <utility>

namespace aiointerpreters::codec {

namespace {

py::Ref imported_module(const std::string& name) {
  py::Ref module;
  if (PyDict_GetItemStringRef(PyImport_GetModuleDict(), name.c_str(), module.out()) < 0) PyErr_Clear();
  return module;
}

py::Ref reload(PyObject* module) {
  const py::Ref importlib = py::Ref::steal(PyImport_ImportModule("importlib"));
  return importlib ? py::Ref::steal(PyObject_CallMethod(importlib.get(), "reload", "O", module)) : py::Ref();
}

}  // namespace

std::uint32_t ModuleVersions::of(const std::string& name) {
  const py::Ref module = imported_module(name);
  const py::Ref spec = module ? spec_of(module.get()) : py::Ref();
  if (!spec) return 0;  // such as a `__main__`
  py::Ref weak_module = py::Ref::steal(PyWeakref_NewRef(module.get(), nullptr));
  py::Ref weak_spec = weak_module ? py::Ref::steal(PyWeakref_NewRef(spec.get(), nullptr)) : py::Ref();
  if (!weak_spec) return PyErr_Clear(), 0;
  const auto [entry, is_new] = seen_.try_emplace(name);
  Seen& seen = entry->second;
  // An object has one weak reference of this kind while it lives.
  if (seen.module.get() == weak_module.get() && seen.spec.get() == weak_spec.get()) return seen.version;
  const py::Ref old_module = std::exchange(seen.module, std::move(weak_module));  // both are dropped last
  const py::Ref old_spec = std::exchange(seen.spec, std::move(weak_spec));
  if (!is_new) ++seen.version;
  return seen.version;
}

py::Ref ModuleVersions::import_module(const std::string& name, std::uint32_t version) {
  const auto known = have_versions_.find(name);
  if (version <= (known == have_versions_.end() ? 0 : known->second)) {
    return py::Ref::steal(PyImport_ImportModule(name.c_str()));
  }
  py::Ref module = imported_module(name);
  module = module ? reload(module.get()) : py::Ref::steal(PyImport_ImportModule(name.c_str()));
  if (module) have_versions_.insert_or_assign(name, version);
  return module;
}

py::Ref spec_of(PyObject* module) {
  py::Ref spec;
  if (!PyModule_Check(module)) return spec;
  if (PyDict_GetItemStringRef(PyModule_GetDict(module), "__spec__", spec.out()) < 0) PyErr_Clear();
  if (spec.get() == Py_None) spec.reset();
  return spec;
}

}  // namespace aiointerpreters::codec
