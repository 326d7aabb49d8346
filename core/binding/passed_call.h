// PassedCall: one call of a function that passes it on (py/pass_on.h), and the call that it would make now: callable and
// arguments. Nothing here runs the code of such a function, of attributes or of arguments. If a value cannot be found
// without it (a property, for example), it is not certain which call the function would make.
// Requires: attached. Owner: one submit.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "binding/module_state.h"
#include "py/pass_on.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

class PassedCall {
 public:
  // The call function(self, *args, **keywords), in which `self` may be null. Borrows everything for its lifetime.
  // Requires: `how` was read from the function's code.
  PassedCall(const ModuleState& state, const py::PassOn& how, PyObject* function, PyObject* self, PyObject* const* args,
             Py_ssize_t nargs, PyObject* kwnames) noexcept;

  // Finds the callable. Borrows. Errors: null, without an exception, if it is not certain; std::bad_alloc.
  [[nodiscard]] PyObject* find_callee();
  // Finds the arguments. Requires: find_callee has found the callable. Errors: false, without an exception, if they are not
  // certain, or if the function cannot be called in this way; std::bad_alloc.
  [[nodiscard]] bool find_arguments();

  // What was found. Each can be taken once.
  [[nodiscard]] py::Ref take_callee() noexcept { return std::move(stack_.front().object); }
  [[nodiscard]] py::Ref take_arguments() noexcept { return std::move(arguments_); }  // a tuple, values of keywords last
  [[nodiscard]] py::Ref take_names() noexcept { return std::move(names_); }          // a tuple of the keywords

 private:
  struct Value {
    py::Ref object;         // null: kNull
    bool is_built = false;  // by this call, so it may be changed
  };

  // Each of these returns false if it is not certain what the function does. An exception may be set then.
  [[nodiscard]] bool take(py::PassOn::Step step);
  [[nodiscard]] bool push(py::Ref object, bool is_built = false);
  [[nodiscard]] bool push_item(PyObject* tuple, std::size_t index);
  [[nodiscard]] bool push_local(std::size_t index);
  [[nodiscard]] bool push_free(std::size_t index);
  [[nodiscard]] bool push_global(std::size_t index);
  [[nodiscard]] bool push_common(std::size_t index);
  [[nodiscard]] bool push_built(py::PassOn::Op op, std::size_t count);
  [[nodiscard]] bool push_dict_of_names(std::size_t count);
  [[nodiscard]] bool load_attribute(std::size_t index);
  [[nodiscard]] bool extend(py::PassOn::Op op, std::size_t depth);
  [[nodiscard]] bool make_tuple();
  [[nodiscard]] bool call(std::size_t count, bool has_names);
  [[nodiscard]] bool call_unpacked(bool has_keywords);
  [[nodiscard]] bool run(std::size_t from, std::size_t to);

  // The parameters.
  [[nodiscard]] bool bind();
  [[nodiscard]] bool bind_keywords(const py::Ref& parameters, PyObject* others);
  [[nodiscard]] bool bind_defaults(const py::Ref& parameters);

  const ModuleState& state_;
  const py::PassOn& how_;
  const py::Ref function_;
  const py::Ref code_;  // keeps `how`
  PyObject* const self_;
  PyObject* const* const args_;
  const Py_ssize_t nargs_;
  PyObject* const kwnames_;
  std::vector<Value> stack_;
  std::vector<py::Ref> locals_;  // the parameters; empty until one is needed
  py::Ref arguments_;
  py::Ref names_;
};

}  // namespace aiointerpreters::binding
