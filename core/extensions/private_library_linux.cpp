// See private_library.h.
#include "extensions/private_library.h"

#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "extensions/copy_store.h"
#include "extensions/elf_rename.h"
#include "extensions/elf_unique.h"
#include "extensions/library_tree.h"
#include "extensions/shared_object.h"

namespace aiointerpreters::extensions {

namespace {

// The SONAME of the copy that belongs to that interpreter.
std::string name_of_copy(const std::string& soname, unsigned number) { return std::to_string(number) + "-" + soname; }

LibraryNames names_of_copies(const std::vector<Library>& libraries, const Library& library, unsigned number) {
  LibraryNames names;
  if (!library.elf.soname.empty()) names.emplace(library.elf.soname, name_of_copy(library.elf.soname, number));
  for (const Library::Need& need : library.needs) {
    const Library& needed = libraries[need.library];
    if (!needed.is_private) continue;
    if (needed.elf.soname.empty()) {
      throw std::runtime_error(needed.path + " uses Python and has no SONAME: its copies could not be told apart");
    }
    names.insert_or_assign(need.name, name_of_copy(needed.elf.soname, number));
  }
  return names;
}

// The unique symbols of all that an object needs, directly or not.
void add_unique_symbols(const std::vector<Library>& libraries, const Library& library, SymbolNames& symbols) {
  for (const Library::Need& need : library.needs) {
    const Library& needed = libraries[need.library];
    symbols.insert(needed.elf.unique_symbols.begin(), needed.elf.unique_symbols.end());
    add_unique_symbols(libraries, needed, symbols);
  }
}

Edits edits_for(const std::vector<Library>& libraries, const Library& library, unsigned number) {
  Edits edits = edits_to_rename(library.file.bytes(), names_of_copies(libraries, library, number));
  SymbolNames shared;
  if (!library.elf.unique_symbols.empty()) add_unique_symbols(libraries, library, shared);
  for (Edit& edit : edits_to_own_unique_symbols(library.file.bytes(), shared)) edits.push_back(std::move(edit));
  return edits;
}

void* load_copy(CopyStore& store, const std::vector<Library>& libraries, const Library& library, unsigned number) {
  const Edits edits = edits_for(libraries, library, number);
  std::string why;
  // Others may remove a copy before it is loaded; then there is a new one.
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::optional<Copy> copy = store.get(library.path, number, edits, why);
    if (!copy) break;
    if (void* const handle = load_shared_object(copy->path, why)) return handle;
  }
  throw std::runtime_error(why + " (private copy of " + library.path + ")");
}

}  // namespace

void* open_private_library(CopyStore& store, const std::string& path, unsigned number, std::string& why) {
  try {
    const std::vector<Library> libraries = read_library_tree(path);
    void* handle = nullptr;
    for (const Library& library : libraries) {
      if (library.is_private) {
        handle = load_copy(store, libraries, library, number);
      } else if (load_shared_object(library.path, why) == nullptr) {
        return nullptr;
      }
    }
    return handle;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    why = error.what();
    return nullptr;
  }
}

}  // namespace aiointerpreters::extensions
