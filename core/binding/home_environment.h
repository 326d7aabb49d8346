// HomeEnvironment: watches what of home's own state the workers have to follow: sys.path, and where `__main__` comes from.
// Requires: attached to home for every use, the destructor included.
#pragma once

#include <vector>

#include "codec/runtime.h"
#include "pool/environment.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class HomeEnvironment {
 public:
  // Looks whether sys.path has changed since the last call (hazard 7): at a dozen pointers when it has not. Runs Python the
  // first time. Errors: false with a Python exception set.
  [[nodiscard]] bool refresh(codec::Runtime& runtime);
  // Lets go of `__main__`: the interpreter ends, and clears it as soon as nobody holds it.
  void let_go_of_main() noexcept { main_.reset(); }
  // What held at the last refresh. Requires: there was one.
  [[nodiscard]] const pool::EnvironmentPtr& current() const noexcept { return current_; }

 private:
  [[nodiscard]] bool unchanged();
  [[nodiscard]] bool describe_main(codec::Runtime& runtime, pool::Environment& environment);
  [[nodiscard]] bool describe_path(codec::Runtime& runtime, pool::Environment& environment, std::vector<py::Ref>& entries);

  [[nodiscard]] PyObject* main_module();

  py::Ref main_name_;
  py::Ref main_;  // the module that `current_` describes: a worker's changes when home's script is run there
  py::Ref sys_dict_;
  py::Ref path_name_;
  std::vector<py::Ref> entries_;  // of sys.path, as `current_` has them; held, so that an address tells the object
  pool::EnvironmentPtr current_;
};

}  // namespace aiointerpreters::binding
