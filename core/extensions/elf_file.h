// ElfFile: what the loader of private copies has to know of a shared object before it loads it: its name, what it needs, and
// how it uses Python. Read from the file's bytes alone; nothing is loaded or run.
// Thread: any; plain data.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace aiointerpreters::extensions {

struct ElfFile {
  std::string soname;                    // DT_SONAME; empty: none
  std::vector<std::string> needed;       // DT_NEEDED, in its order: names of libraries, or paths
  std::vector<std::string> search_path;  // DT_RUNPATH, or else DT_RPATH: folders; $ORIGIN is left as it is

  // What it wants of Python: the undefined symbols that begin with "Py" or "_Py", weak ones too; each once, in order. A
  // library that wants some uses Python itself.
  std::vector<std::string> python_symbols;
  // What it offers as the one of its name in the process (elf_unique.h); each once, in order.
  std::vector<std::string> unique_symbols;
  bool makes_thread_keys = false;  // whether it wants the function that does (thread_key_limit.h)
};

// Reads a shared object. `file` is all of it; it is not trusted.
// Errors: ElfError (elf_image.h) with a text that says what is wrong and goes behind the file's name; std::bad_alloc.
[[nodiscard]] ElfFile read_elf_file(std::span<const std::byte> file);

}  // namespace aiointerpreters::extensions
