// See import_hint.h.
#include "codec/import_hint.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/exception_parts.h"
#include "codec/exception_type.h"
#include "codec/runtime.h"
#include "extensions/support.h"
#include "extensions/tried.h"
#include "extensions/unsound.h"
#include "py/error.h"
#include "py/frame.h"
#include "py/ref.h"
#include "py/text.h"

namespace aiointerpreters::codec {

namespace {

using extensions::RefusedImport;

// The limit on exceptions that are searched, because chains may have any length.
constexpr std::size_t kLookedAtMost = 100;
constexpr std::size_t kLongText = 200;  // bytes

// The text of an ImportError; empty for other exceptions, and for those that are created in an unusual way.
std::string text_of_import_error(PyObject* exception) {
  if (PyErr_GivenExceptionMatches(exception, PyExc_ImportError) == 0) return {};
  const py::Ref args = py::Ref::steal(PyException_GetArgs(exception));
  if (!args || PyTuple_GET_SIZE(args.get()) != 1 || !PyUnicode_Check(PyTuple_GET_ITEM(args.get(), 0))) return {};
  return py::utf8_of(PyTuple_GET_ITEM(args.get(), 0));
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

// The exception and all that are printed with it.
std::vector<py::Ref> all_shown(PyObject* exception) {
  std::vector<py::Ref> exceptions;
  exceptions.push_back(py::Ref::borrow(exception));
  for (std::size_t i = 0; i < exceptions.size(); ++i) {  // grows during the loop
    for (py::Ref& shown : shown_with(exceptions[i].get())) {
      const bool is_known = std::ranges::any_of(exceptions, [&](const py::Ref& one) { return one.get() == shown.get(); });
      if (!is_known && exceptions.size() < kLookedAtMost) exceptions.push_back(std::move(shown));
    }
  }
  return exceptions;
}

bool is_or_ends_with(std::string_view module, std::string_view name) {
  return module.ends_with(name) && (module.size() == name.size() || module[module.size() - name.size() - 1] == '.');
}

// The refusal that an ImportError with this text reports.
std::optional<RefusedImport> reported(const extensions::RefusedImports& refused, const std::string& text) {
  if (text.empty()) return {};
  const std::string_view name = extensions::refused_module(text);
  std::optional<RefusedImport> found = refused.find([&](const RefusedImport& one) {
    return name.empty() ? one.text == text : one.text == text && is_or_ends_with(one.module, name);
  });
  if (found || name.empty()) return found;
  RefusedImport said;
  said.module = name;
  said.chain = {said.module};
  said.text = text;
  return said;
}

// The long texts of plain ImportErrors are the advice of packages about broken installations.
void shorten(const std::vector<py::Ref>& exceptions, const std::string& text) {
  const py::Ref shorter = py::Ref::steal(PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
  for (const py::Ref& exception : exceptions) {
    if (!shorter || !Py_IS_TYPE(exception.get(), reinterpret_cast<PyTypeObject*>(PyExc_ImportError))) continue;
    const std::string said = text_of_import_error(exception.get());
    if (said.size() <= std::max(kLongText, text.size()) && said.find('\n') == std::string::npos) continue;
    const py::Ref args = py::Ref::steal(PyTuple_Pack(1, shorter.get()));
    if (args && PyObject_SetAttrString(exception.get(), "msg", shorter.get()) == 0) {
      PyException_SetArgs(exception.get(), args.get());
    }
    PyErr_Clear();
  }
}

// The package whose code has raised the exception; empty: none.
std::string raising_package(PyObject* exception) {
  const py::Ref traceback = py::Ref::steal(PyException_GetTraceback(exception));
  const auto* entry = reinterpret_cast<const PyTracebackObject*>(traceback.get());
  while (entry != nullptr && entry->tb_next != nullptr) entry = entry->tb_next;
  if (entry == nullptr) return {};
  return std::string(extensions::package_of(py::module_of(reinterpret_cast<PyObject*>(entry->tb_frame))));
}

// Whether this exception says that a name is missing, as after an import that has failed.
bool misses_a_name(PyObject* exception) {
  const auto is_a = [exception](PyObject* type) { return PyErr_GivenExceptionMatches(exception, type) != 0; };
  if (is_a(PyExc_ModuleNotFoundError)) return false;
  if (is_a(PyExc_ImportError) || (is_a(PyExc_NameError) && !is_a(PyExc_UnboundLocalError))) return true;
  if (!is_a(PyExc_AttributeError)) return false;
  const py::Ref object = py::Ref::steal(PyObject_GetAttrString(exception, "obj"));
  PyErr_Clear();
  return object && (object.get() == Py_None || PyModule_Check(object.get()));
}

std::string advice(const RefusedImport& refused) {
  std::string text;
  if (const char* const unsupported = extensions::unsupported_reason()) {
    text = std::string("It could work as a private copy, but ") + unsupported + ". ";
  } else if (const char* const reason = extensions::reason_against(refused.module, refused.path)) {
    text = std::string("It is known not to work as a private copy: ") + reason + ". ";
  } else {
    text = extensions::is_known_to_work(refused.module) ? "It is known to work as a private copy: use "
                                                        : "It is not known whether it works as a private copy: try ";
    text += "extensions=\"private\", or set AIOINTERPRETERS_EXTENSIONS=private in the environment. ";
  }
  if (extensions::package_of(refused.chain.front()) != extensions::package_of(refused.module)) {
    text +=
        "If the function does not need it, move the function to a module that does not import it, or into another "
        "function, so that it crosses by value. ";
  }
  return text +
         "Or let it run elsewhere: interpreter(fn, fallback=\"process\") or \"thread\"; if the function itself imports "
         "the module, lane=\"process\". See docs/extensions.md of aiointerpreters.";
}

ImportHint hint_about(const RefusedImport& refused, bool is_certain) {
  std::string text = is_certain ? "" : "This may be a consequence: ";
  text += refused.module + " cannot be imported in a worker's interpreter";
  if (const std::string chain = extensions::chain_text(refused); chain != refused.module) text += " (" + chain + ")";
  return {refused.module, text + ": " + extensions::reason_text(refused) + ". " + advice(refused)};
}

// Whether the exception has come with a hint, from a worker of this worker.
bool has_hint(PyObject* exception) {
  const py::Ref attributes = py::Ref::steal(PyObject_GenericGetDict(exception, nullptr));
  const bool is_there = attributes && PyDict_ContainsString(attributes.get(), kRefusedModule) > 0;
  PyErr_Clear();
  return is_there;
}

}  // namespace

ImportHint hint_about_imports(const extensions::RefusedImports& refused, PyObject* exception) {
  const std::vector<py::Ref> exceptions = all_shown(exception);
  for (const py::Ref& one : exceptions) {
    if (const auto found = reported(refused, text_of_import_error(one.get()))) {
      if (has_hint(exception)) return {};
      shorten(exceptions, found->text);
      return hint_about(*found, true);
    }
  }
  for (const py::Ref& one : exceptions) {
    if (!misses_a_name(one.get())) continue;
    const std::string package = raising_package(one.get());
    const auto is_in_package = [&](const std::string& module) { return extensions::package_of(module) == package; };
    const auto found =
        refused.find([&](const RefusedImport& each) { return std::ranges::any_of(each.chain, is_in_package); });
    if (found && !package.empty()) return has_hint(exception) ? ImportHint() : hint_about(*found, false);
  }
  return {};
}

void raise_interpreter_error(Runtime& runtime, const std::string& text) noexcept {
  if (runtime.refused_imports) {
    py::Ref error = py::take_exception();
    const bool is_done = py::guarded(false, [&] {
      static_cast<void>(hint_about_imports(*runtime.refused_imports, error.get()));
      return true;
    });
    if (is_done) py::restore_exception(std::move(error));
  }
  py::raise_from_current(runtime.interpreter_error.get(), text.c_str());
}

}  // namespace aiointerpreters::codec
