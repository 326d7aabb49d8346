// HomeEnvironment: watches the state of home that workers have to follow: sys.path, the source of `__main__`, the
// environment variables (home_variables.h), and the levels of loggers and warning filters (home_settings.h).
// Requires: attached to home for every use, the destructor included.
#pragma once

#include <vector>

#include "binding/home_settings.h"
#include "binding/home_variables.h"
#include "codec/runtime.h"
#include "pool/environment.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class HomeEnvironment {
 public:
  // Checks whether sys.path, `__main__`, `os.environ` or the settings have changed since the last call (hazard 7). If not,
  // this only compares a dozen pointers. If so, publishes the current state. Runs Python the first time, and if `__main__`
  // is another module. Meanwhile other code may publish a newer state, which is not overwritten.
  // Errors: false with a Python exception set.
  [[nodiscard]] bool refresh(codec::Runtime& runtime);
  // Drops `__main__`. At its end, the interpreter clears this module when no other reference to it exists.
  void let_go_of_main() noexcept { main_.module.reset(); }
  [[nodiscard]] HomeVariables& variables() noexcept { return variables_; }
  [[nodiscard]] HomeSettings& settings() noexcept { return settings_; }
  // The state at the last refresh. Requires: there was one.
  [[nodiscard]] const pool::EnvironmentPtr& current() const noexcept { return current_; }

 private:
  // The source of the module that was `__main__` at the last check.
  struct Main {
    py::Ref module;  // in a worker it changes when the main interpreter's script runs there
    bool is_known = false;
    bool is_nowhere = true;  // it cannot be run again
    pool::Environment::Main kind = pool::Environment::Main::kNone;
    py::Ref name;  // str
  };

  [[nodiscard]] bool find_names();
  [[nodiscard]] PyObject* main_module();
  [[nodiscard]] bool is_main_known() { return main_.is_known && main_module() == main_.module.get(); }
  [[nodiscard]] bool is_path_known();
  // Runs Python.
  [[nodiscard]] bool describe_main(Main& main);
  // Makes the current state the published environment. Runs no Python before that.
  [[nodiscard]] bool publish(codec::Runtime& runtime);

  py::Ref main_name_;
  py::Ref path_name_;
  py::Ref sys_dict_;
  Main main_;
  HomeVariables variables_;
  HomeSettings settings_;
  std::vector<py::Ref> entries_;  // of sys.path, as in `current_`; the references keep their addresses unique
  pool::EnvironmentPtr current_;
};

}  // namespace aiointerpreters::binding
