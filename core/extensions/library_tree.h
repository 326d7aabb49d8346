// LibraryTree: a shared object and the libraries that it needs, if the search paths of the objects lead to them. Libraries
// that the system finds elsewhere (libc, libstdc++) are not part of it, and neither is Python's own library.
// Thread: one; plain data.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "extensions/elf_file.h"
#include "extensions/mapped_file.h"

namespace aiointerpreters::extensions {

struct Library {
  std::string path;
  MappedFile file;
  ElfFile elf;
  struct Need {
    std::string name;     // as in DT_NEEDED
    std::size_t library;  // its index
  };
  std::vector<Need> needs;
  bool is_private = false;  // it uses Python, keeps state of its user (stateful_libraries.h), or needs such a library
};

// The object at `path` is last. Each other object comes before those that need it. A cycle is cut at some point.
// Errors: std::runtime_error with a text that names the file; std::bad_alloc.
[[nodiscard]] std::vector<Library> read_library_tree(const std::string& path);

}  // namespace aiointerpreters::extensions
