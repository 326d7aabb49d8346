// A hint for an exception that leaves a worker because an extension module could not be imported there. It says which one,
// why, and what to do.
// Requires: attached to the worker's interpreter.
#pragma once

#include <string>

#include "extensions/refused_imports.h"
#include "py/python.h"

namespace aiointerpreters::codec {

struct Runtime;

struct ImportHint {
  std::string module;  // the extension module; empty: there is no hint
  std::string text;    // a paragraph
};

// The name of the attribute of an exception that has the name of the module.
inline constexpr char kRefusedModule[] = "refused_extension";

// A hint, if an extension module has refused the interpreter and the exception says so, or one that is printed with it (a
// cause, a context, a member), or if it looks like a consequence: the package that has imported the module misses a name.
// In the first case, long texts of such ImportErrors are replaced by the text of the refusal, because packages advise things
// there that do not help. For workers that import no private copies.
// Leaves no exception set. Errors: std::bad_alloc.
[[nodiscard]] ImportHint hint_about_imports(const extensions::RefusedImports& refused, PyObject* exception);

// Raises InterpreterError("text: the text of the exception that is set"), as py::raise_from_current does. Before that, it
// replaces long texts as above. Every error that quotes one which may come from an import is raised by this function.
// Requires: attached; an exception is set. Errors: MemoryError is set instead.
void raise_interpreter_error(Runtime& runtime, const std::string& text) noexcept;

}  // namespace aiointerpreters::codec
