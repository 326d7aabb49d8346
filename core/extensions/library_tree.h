// LibraryTree: a shared object and the libraries that it needs, as far as they lie where the search paths of the objects
// say. What the system has elsewhere (libc, libstdc++) is not part of it, nor is Python's own library.
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
    std::string name;     // as DT_NEEDED has it
    std::size_t library;  // its index
  };
  std::vector<Need> needs;
  bool is_private = false;  // it uses Python, or keeps what its user's is (stateful_libraries.h), or needs one that does
};

// The object at `path` comes last, each other one before those that need it; a circle is cut somewhere.
// Errors: std::runtime_error with a text that names the file; std::bad_alloc.
[[nodiscard]] std::vector<Library> read_library_tree(const std::string& path);

}  // namespace aiointerpreters::extensions
