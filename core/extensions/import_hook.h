// How a worker's interpreter comes to import extension modules as private copies.
//
// Every way to an extension module ends at `_imp.create_dynamic` and `_imp.exec_dynamic` of the importing interpreter: the
// standard finders, those of editable installs, whoever makes a spec with ExtensionFileLoader. What is built into Python
// comes from `_imp.create_builtin`. So these three are replaced there, and nothing else. Modules of the standard library are
// passed on to the functions of before, except for those that would be refused (standard_module.h).
// Owner: the functions, and so the interpreter's `_imp`. Thread: any of the interpreter's, guarded by its GIL.
#pragma once

#include <functional>
#include <memory>

#include "extensions/copy_store.h"
#include "py/foreign_threads.h"
#include "py/python.h"

namespace aiointerpreters::extensions {

// Has the attached interpreter import copies from now on: extension modules from outside the standard library get files of
// their own, which `copies` has. Threads that are not Python's come to it by `threads`.
// `made` is called, attached, with the name of each module that has been made from a copy, and the module, once it has been
// executed; again, when the module is imported again. It must not raise.
// Requires: attached to a worker's interpreter in which nothing else has been imported yet. Runs Python. Errors: false with
// an exception set.
[[nodiscard]] bool import_private_copies(std::shared_ptr<CopyStore> copies, std::shared_ptr<py::ForeignThreads> threads,
                                         std::function<void(const char* name, PyObject* module)> made);

}  // namespace aiointerpreters::extensions
