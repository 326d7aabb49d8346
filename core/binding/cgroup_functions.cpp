// See cgroup_functions.h.
#include "binding/cgroup_functions.h"

#include <optional>
#include <string>

#include "base/cpu_quota.h"
#include "py/error.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

namespace {

// The argument of both functions. Errors: none with a Python exception set.
std::optional<std::string> root_in(PyObject* argument) {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(argument, static_cast<void*>(&encoded)) == 0) return std::nullopt;
  const py::Ref bytes = py::Ref::steal(encoded);
  return std::string(PyBytes_AS_STRING(bytes.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get())));
}

PyDoc_STRVAR(
    cpu_quota_doc,
    "cpu_quota($module, root, /)\n--\n\n"
    "Return the lowest CPU quota of this process's control groups, in processors, or None if there is no quota.\n\n"
    "Args:\n"
    "    root: The folder that has proc and sys, without a slash at its end. An empty string is the system's root.");

PyObject* cpu_quota(PyObject*, PyObject* argument) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const std::optional<std::string> root = root_in(argument);
    if (!root) return nullptr;
    const std::optional<double> quota = base::cpu_quota(*root);
    return quota ? PyFloat_FromDouble(*quota) : Py_NewRef(Py_None);
  });
}

PyDoc_STRVAR(cpu_cgroups_doc,
             "cpu_cgroups($module, root, /)\n--\n\n"
             "Return the folders of the control groups that may limit the processor time of this process.\n\n"
             "Args:\n"
             "    root: As for `cpu_quota`.");

PyObject* cpu_cgroups(PyObject*, PyObject* argument) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const std::optional<std::string> root = root_in(argument);
    py::Ref folders = root ? py::Ref::steal(PyList_New(0)) : py::Ref();
    if (!folders) return nullptr;
    for (const std::string& folder : base::cpu_cgroups(*root)) {
      const py::Ref path =
          py::Ref::steal(PyUnicode_DecodeFSDefaultAndSize(folder.data(), static_cast<Py_ssize_t>(folder.size())));
      if (!path || PyList_Append(folders.get(), path.get()) < 0) return nullptr;
    }
    return folders.release();
  });
}

PyMethodDef kCgroupFunctions[] = {
    {"cpu_quota", cpu_quota, METH_O, cpu_quota_doc},
    {"cpu_cgroups", cpu_cgroups, METH_O, cpu_cgroups_doc},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_cgroup_functions(PyObject* module) { return PyModule_AddFunctions(module, kCgroupFunctions) == 0; }

}  // namespace aiointerpreters::binding
