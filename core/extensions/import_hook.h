// Makes a worker's interpreter import extension modules as private copies.
//
// Every import of an extension module ends in `_imp.create_dynamic` and `_imp.exec_dynamic` of the importing interpreter.
// This is true for the standard finders, for editable installs, and for any code that uses ExtensionFileLoader. Modules
// that are built into Python come from `_imp.create_builtin`. So these three functions are replaced, and nothing else.
// Modules of the standard library are passed on to the original functions, except for those that would be refused
// (standard_module.h).
// Owner: the functions, and so the interpreter's `_imp`. Thread: any of the interpreter's, guarded by its GIL.
#pragma once

#include <functional>
#include <memory>

#include "extensions/copy_store.h"
#include "py/foreign_threads.h"
#include "py/python.h"

namespace aiointerpreters::extensions {

// From now on, the attached interpreter imports extension modules from outside the standard library as copies from
// `copies`. Threads that Python did not create enter the interpreter through `threads`.
// `made` is called, attached, with the name of each module that was created from a copy, and with the module, after it has
// been executed. It is called again when the module is imported again. It must not raise.
// Requires: attached to a worker's interpreter in which nothing else has been imported yet. Runs Python. Errors: false with
// an exception set.
[[nodiscard]] bool import_private_copies(std::shared_ptr<CopyStore> copies, std::shared_ptr<py::ForeignThreads> threads,
                                         std::function<void(const char* name, PyObject* module)> made);

}  // namespace aiointerpreters::extensions
