// See import_hint.h.
#include "codec/import_hint.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/exception_parts.h"
#include "codec/exception_type.h"
#include "extensions/unsound.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

namespace {

// The limit on exceptions that are searched, because chains may have any length.
constexpr std::size_t kLookedAtMost = 100;

// The module that CPython refuses with this exception (Python/import.c). Empty: the exception has another reason. For a
// single-phase module, CPython gives only the last part of the name.
std::string refused_module(PyObject* exception) {
  constexpr std::string_view kBegin = "module ";
  constexpr std::string_view kEnd = " does not support loading in subinterpreters";
  if (PyErr_GivenExceptionMatches(exception, PyExc_ImportError) == 0) return {};
  const py::Ref args = py::Ref::steal(PyException_GetArgs(exception));
  if (!args || PyTuple_GET_SIZE(args.get()) != 1 || !PyUnicode_Check(PyTuple_GET_ITEM(args.get(), 0))) return {};
  const std::string text = utf8_of(PyTuple_GET_ITEM(args.get(), 0));
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd) || text.size() <= kBegin.size() + kEnd.size()) return {};
  return text.substr(kBegin.size(), text.size() - kBegin.size() - kEnd.size());
}

// The exceptions that a traceback prints with this one. They are read in C, because a class may override these attributes.
std::vector<py::Ref> shown_with(PyObject* exception) {
  std::vector<py::Ref> shown;
  py::Ref cause = py::Ref::steal(PyException_GetCause(exception));
  py::Ref context = py::Ref::steal(PyException_GetContext(exception));
  const bool shows_context = !cause && reinterpret_cast<PyBaseExceptionObject*>(exception)->suppress_context == 0;
  if (cause) shown.push_back(std::move(cause));
  if (context && shows_context) shown.push_back(std::move(context));
  const bool is_group = PyObject_TypeCheck(exception, reinterpret_cast<PyTypeObject*>(PyExc_BaseExceptionGroup)) != 0;
  const py::Ref members = is_group ? members_of(exception) : py::Ref();
  for (Py_ssize_t i = 0; members && i < PyTuple_GET_SIZE(members.get()); ++i) {
    shown.push_back(py::Ref::borrow(PyTuple_GET_ITEM(members.get(), i)));
  }
  PyErr_Clear();
  return shown;
}

}  // namespace

std::string hint_about_imports(PyObject* exception) {
  std::vector<py::Ref> exceptions;
  exceptions.push_back(py::Ref::borrow(exception));
  for (std::size_t i = 0; i < exceptions.size(); ++i) {  // grows during the loop
    if (const std::string module = refused_module(exceptions[i].get()); !module.empty()) {
      if (const char* const reason = extensions::reason_against(module)) {
        return module + " does not work in a worker's interpreter, even with extensions=\"private\": " + reason;
      }
      return "most such modules can be imported in workers as private copies: create the executor with "
             "extensions=\"private\", or set AIOINTERPRETERS_EXTENSIONS=private in the environment (see docs/extensions.md "
             "of aiointerpreters)";
    }
    for (py::Ref& shown : shown_with(exceptions[i].get())) {
      const bool is_known = std::ranges::any_of(exceptions, [&](const py::Ref& one) { return one.get() == shown.get(); });
      if (!is_known && exceptions.size() < kLookedAtMost) exceptions.push_back(std::move(shown));
    }
  }
  return {};
}

}  // namespace aiointerpreters::codec
