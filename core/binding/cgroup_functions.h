// `_core.cpu_quota` and `_core.cpu_cgroups`: the limits on processor time (base/cpu_quota.h). Commands and the demo use
// them to describe the machine.
// Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Adds them to a `_core` that already has its state. Errors: false with a Python exception set.
[[nodiscard]] bool add_cgroup_functions(PyObject* module);

}  // namespace aiointerpreters::binding
