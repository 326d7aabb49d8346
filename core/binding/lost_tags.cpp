// See lost_tags.h.
#include "binding/lost_tags.h"

#include <cstdlib>
#include <string_view>

#include "py/ref.h"

namespace aiointerpreters::binding {

bool wants_lost_tags() {
  const char* const set = std::getenv("AIOINTERPRETERS_WARN_LOST_TAGS");
  if (set != nullptr && *set != 0) return std::string_view(set) != "0";
  PyObject* const flags = PySys_GetObject("flags");  // borrowed
  const py::Ref mode = flags == nullptr ? py::Ref() : py::Ref::steal(PyObject_GetAttrString(flags, "dev_mode"));
  const int is_set = mode ? PyObject_IsTrue(mode.get()) : 0;
  PyErr_Clear();
  return is_set > 0;
}

int watch_direct_call(const ModuleState& state, PyObject* callable) {
  if (state.main_thread == PyThread_get_thread_ident()) return 0;
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._lost_tags"));
  const py::Ref noted = module ? py::Ref::steal(PyObject_CallMethod(module.get(), "note", "O", callable)) : py::Ref();
  return noted ? PyObject_IsTrue(noted.get()) : -1;
}

}  // namespace aiointerpreters::binding
