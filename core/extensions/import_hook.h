// How a worker's interpreter comes to import extension modules as private copies.
//
// Every way to an extension module ends at `_imp.create_dynamic` and `_imp.exec_dynamic` of the importing interpreter: the standard
// finders, those of editable installs, whoever makes a spec with ExtensionFileLoader. So these two are replaced there, and nothing
// else. Extensions of the standard library are passed on to the functions of before.
// Owner: the functions, and so the interpreter's `_imp`. Thread: any of the interpreter's, guarded by its GIL.
#pragma once

#include <memory>

#include "extensions/copy_store.h"

namespace aiointerpreters::extensions {

// Has the attached interpreter import copies from now on: extension modules from outside the standard library get files of their own, which
// `copies` has.
// Requires: attached to a worker's interpreter in which nothing else has been imported yet. Runs Python. Errors: false with an
// exception set.
[[nodiscard]] bool import_private_copies(std::shared_ptr<CopyStore> copies);

}  // namespace aiointerpreters::extensions
