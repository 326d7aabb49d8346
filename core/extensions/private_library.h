// Private copies of shared objects: of an extension module, and of some of the libraries that it needs. These are libraries
// that use Python, that keep state of their user (stateful_libraries.h), or that need such a library. The process shares
// all other libraries, as usual.
//
// A copy is in another folder than its original, so a search path relative to the object ($ORIGIN) leads nowhere. Therefore
// the needed libraries are loaded first, by their paths, and the dynamic linker then finds them by their SONAME. The copy
// of a library has a SONAME of its own. Its users are copies too, and need it by this name. A copy is never unloaded, and
// never given to another interpreter of this process, because its static memory has content of the first one.
// Thread: any.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "extensions/copy_store.h"
#include "py/foreign_threads.h"

namespace aiointerpreters::extensions {

// The interpreter that copies are loaded for. Its GIL guards this object.
struct CopyOwner {
  std::shared_ptr<CopyStore> copies;
  std::shared_ptr<py::ForeignThreads> threads;  // entered by threads that call bound functions
  unsigned number = 0;                          // no other interpreter of this process has or had it
  // Loaded copies: the original's canonical path -> dlopen's handle. Without it, a copy without a name would be made again,
  // and two modules would not share a library that both need.
  std::map<std::string, void*> loaded;
};

// Loads the interpreter's copies of `path`, the object that contains `module`. A second call finds the loaded copies.
// Symbols stay local, even with sys.setdlopenflags, because copies would find each other's symbols otherwise.
// Requires: attached, as for any dlopen of an extension, because constructors may use Python. Returns dlopen's handle.
// Errors: null, and `why` has the reason with the path; std::bad_alloc.
[[nodiscard]] void* open_private_library(CopyOwner& owner, const std::string& module, const std::string& path,
                                         std::string& why);

// Loads a library that is not a module, with the libraries that it needs, if an extension module would get a private copy
// of it. Requires, returns: as above. If the process shares it, or if it cannot be read: null, and `why` is empty.
[[nodiscard]] void* open_if_private(CopyOwner& owner, const std::string& path, std::string& why);

}  // namespace aiointerpreters::extensions
