// ModuleVersions: how often home has loaded a module anew, with importlib.reload or by importing it again after removing it
// from sys.modules. Workers that have imported it before then reload it too.
//
// A reload is noticed by the module's `__spec__`, which it replaces. It is looked for when a function is described for the
// first time, and when a function by value may have changed; so known functions cost nothing.
// Requires: attached to the interpreter that owns it. Owner: the runtime. Errors: std::bad_alloc.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class ModuleVersions {
 public:
  // At home: the version of a module. 0: it is as it was when this was first asked, or it is not imported.
  [[nodiscard]] std::uint32_t of(const std::string& name);
  // In a worker: imports the module in home's `version`. Runs Python. Returns new; null with an exception set.
  [[nodiscard]] py::Ref import_module(const std::string& name, std::uint32_t version);

 private:
  // Weak references: the collector does not see what a runtime refers to, and a spec leads to all modules.
  struct Seen {
    py::Ref module;
    py::Ref spec;
    std::uint32_t version = 0;
  };
  std::unordered_map<std::string, Seen> seen_;                    // at home
  std::unordered_map<std::string, std::uint32_t> have_versions_;  // in a worker; a module that is missing has version 0
};

// The `__spec__` of a module object. Returns new; null without an exception if it has none.
[[nodiscard]] py::Ref spec_of(PyObject* module);

}  // namespace aiointerpreters::codec
