// See standard_module.h.
#include "extensions/standard_module.h"

#include <algorithm>
#include <array>

#include "py/python.h"

namespace aiointerpreters::extensions {

namespace {

using Way = StandardModule::Way;

constexpr std::array kStandardModules{
    // Has no state at all.
    StandardModule{"_suggestions", Way::kUnchecked, nullptr},
    // The module itself has no state; the runtime has it.
    StandardModule{"faulthandler", Way::kUnchecked, "aiointerpreters._standard.faulthandler_functions"},
    // The runtime keeps the traces. They hold objects of the interpreter that has started tracing.
    StandardModule{"_tracemalloc", Way::kReplaced, "aiointerpreters._standard.tracemalloc_functions"},
    // Loading it takes over line editing in the process's terminal.
    StandardModule{"readline", Way::kReplaced, "aiointerpreters._standard.readline_functions"},
    // Useful for its constants. Everything else has to be started by one of the replaced functions.
    StandardModule{"_curses", Way::kPrivateCopy, "aiointerpreters._standard.curses_functions"},
    StandardModule{"_curses_panel", Way::kPrivateCopy, "aiointerpreters._standard.curses_panel_functions"},
    // It supports interpreters, except for callbacks from threads that C has created. A copy knows their interpreter.
    StandardModule{"_ctypes", Way::kPrivateCopy, nullptr, true},
    StandardModule{"_tkinter", Way::kPrivateCopy, "aiointerpreters._standard.tkinter_functions"},
};

}  // namespace

const StandardModule* find_standard_module(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kStandardModules, name, &StandardModule::name);
  return found == kStandardModules.end() ? nullptr : found;
}

py::Ref make_replaced_module(const py::Ref& name) { return py::Ref::steal(PyModule_NewObject(name.get())); }

bool replace_functions(const StandardModule& standard, const py::Ref& module) {
  if (standard.replacements == nullptr) return true;
  const py::Ref replacements = py::Ref::steal(PyImport_ImportModule(standard.replacements));
  const py::Ref all = replacements ? py::Ref::steal(PyObject_GetAttrString(replacements.get(), "__all__")) : py::Ref();
  const py::Ref names = all ? py::Ref::steal(PySequence_Tuple(all.get())) : py::Ref();
  if (!names) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.get()); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(names.get(), i);
    const py::Ref value = py::Ref::steal(PyObject_GetAttr(replacements.get(), name));
    if (!value || PyObject_SetAttr(module.get(), name, value.get()) < 0) return false;
  }
  return true;
}

}  // namespace aiointerpreters::extensions
