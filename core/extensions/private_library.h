// Private copies of shared objects: an extension module and, of the libraries that it needs, those that use Python
// themselves or keep what is their user's (stateful_libraries.h), or need one that does.
// All others are shared by the process, as ever.
//
// A copy lies elsewhere than what it was made of, so a search path relative to the object ($ORIGIN) leads nowhere. Therefore
// what it needs is loaded first, by its path; the dynamic linker finds it by its SONAME then. A library's copy has a SONAME
// of its own, which its users, copies too, need instead of the old one. A copy is never unloaded, and never given to another
// interpreter of this process: what is in its static memory would be another one's.
// Thread: any.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "extensions/copy_store.h"
#include "py/foreign_threads.h"

namespace aiointerpreters::extensions {

// For whom copies are loaded: an interpreter, whose GIL guards it.
struct CopyOwner {
  std::shared_ptr<CopyStore> copies;
  std::shared_ptr<py::ForeignThreads> threads;  // who come by functions that copies are bound to
  unsigned number = 0;                          // no other interpreter of this process has or had it
  // What has been loaded for it: the original's canonical path, dlopen's handle. A copy without a name would else be made
  // once more, and two modules that need one library would each have their own.
  std::map<std::string, void*> loaded;
};

// Loads the copies of `path`, an object with the module of that name, that belong to the interpreter; a second time it finds
// those that there are. Symbols stay local, whatever sys.setdlopenflags says: copies would find each other's.
// Requires: attached, as for any dlopen of an extension: what it runs may use Python. Returns dlopen's handle. Errors: null,
// and `why` says why not, naming the path; std::bad_alloc.
[[nodiscard]] void* open_private_library(CopyOwner& owner, const std::string& module, const std::string& path,
                                         std::string& why);

// Loads a library that is no module, and what it needs: as that interpreter's own copy if it is one that would be private
// where an extension module needs it. Requires and returns the same.
// Null with an empty `why`: it is shared, or cannot be read.
[[nodiscard]] void* open_if_private(CopyOwner& owner, const std::string& path, std::string& why);

}  // namespace aiointerpreters::extensions
