// ElfFile: the facts about a shared object that are needed before it is loaded: its name, the libraries that it needs, and
// its use of Python. They are read from the file's bytes. Nothing is loaded or run.
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

  // The symbols that it needs from Python: undefined symbols that begin with "Py" or "_Py", including weak ones; each once,
  // in order. A library with such symbols uses Python itself.
  std::vector<std::string> python_symbols;
  // The unique symbols that it defines (elf_unique.h); each once, in order.
  std::vector<std::string> unique_symbols;
  bool makes_thread_keys = false;  // whether it imports kMakesThreadKeys (thread_key_limit.h)
};

// Reads a shared object. `file` is its whole content, which is not trusted.
// Errors: ElfError (elf_image.h), with a text to be put after the file's name; std::bad_alloc.
[[nodiscard]] ElfFile read_elf_file(std::span<const std::byte> file);

}  // namespace aiointerpreters::extensions
