// See private_library.h.
#include "extensions/private_library.h"

#include <atomic>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/process_end.h"
#include "extensions/bound_functions.h"
#include "extensions/copy_store.h"
#include "extensions/elf_bind.h"
#include "extensions/elf_constructors.h"
#include "extensions/elf_rename.h"
#include "extensions/elf_unique.h"
#include "extensions/file_io.h"
#include "extensions/library_tree.h"
#include "extensions/mapping_limit.h"
#include "extensions/nameless.h"
#include "extensions/shared_object.h"
#include "extensions/shared_pages.h"
#include "extensions/thread_key_limit.h"
#include "extensions/unsound.h"

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
      throw std::runtime_error(needed.path +
                               " needs private copies but has no SONAME, so its copies could not be told apart");
    }
    names.insert_or_assign(need.name, name_of_copy(needed.elf.soname, number));
  }
  return names;
}

// The unique symbols of all objects that an object needs, directly or not.
void add_unique_symbols(const std::vector<Library>& libraries, const Library& library, SymbolNames& symbols) {
  for (const Library::Need& need : library.needs) {
    const Library& needed = libraries[need.library];
    symbols.insert(needed.elf.unique_symbols.begin(), needed.elf.unique_symbols.end());
    add_unique_symbols(libraries, needed, symbols);
  }
}

void append(Edits& edits, Edits&& more) {
  for (Edit& edit : more) edits.push_back(std::move(edit));
}

// The steps that remain after a copy has been loaded, in this order.
struct Rest {
  BindingTable table;
  Constructors constructors;
};

// All edits to a library's copy. `rest` gets the steps that remain.
Edits edits_for(const std::vector<Library>& libraries, const Library& library, unsigned number, Rest& rest) {
  const ElfImage image(library.file.bytes());
  ElfAdditions additions(image);
  Edits edits = edits_to_rename(image, names_of_copies(libraries, library, number), additions);
  SymbolNames shared;
  if (!library.elf.unique_symbols.empty()) add_unique_symbols(libraries, library, shared);
  append(edits, edits_to_own_unique_symbols(library.file.bytes(), shared));
  if (can_bind()) append(edits, edits_to_bind(image, functions_for_copies(), additions, rest.table));
  if (rest.table.address != 0) append(edits, edits_to_defer_constructors(image, rest.constructors));
  append(edits, additions.edits());
  return edits;
}

// From now on the object's functions lead to that interpreter. Filling the table again writes the same values.
// Errors: as address_in.
void fill(void* handle, const BindingTable& table, py::ForeignThreads& threads) {
  threads.keep();
  auto* const slots = reinterpret_cast<std::uintptr_t*>(address_in(handle, table.address));
  for (std::size_t index = 0; index < table.functions.size(); ++index) {
    slots[index + 1] = reinterpret_cast<std::uintptr_t>(table.functions[index]);
  }
  // release: a thread that sees the interpreter finds the functions.
  std::atomic_ref(slots[0]).store(reinterpret_cast<std::uintptr_t>(&threads), std::memory_order_release);
}

std::runtime_error no_copy(const Library& library, const std::string& why) {
  return std::runtime_error(why + " (private copy of " + library.path + ")");
}

// Errors: std::runtime_error if the process is near a limit of the system. At the limit itself, Rust and CPython end the
// process.
void check_room(const Library& library) {
  if (!has_room_for_mappings()) throw no_copy(library, "no more memory can be mapped");
  if (library.elf.makes_thread_keys && !has_room_for_thread_keys()) {
    throw no_copy(
        library,
        "this process has nearly used up its keys for thread-specific data (PTHREAD_KEYS_MAX). Copies keep their keys after "
        "their interpreter has ended: reuse executors");
  }
}

void* load_copy(CopyOwner& owner, const std::vector<Library>& libraries, const Library& library) {
  std::error_code unknown;
  std::string key = std::filesystem::canonical(library.path, unknown).string();
  if (unknown) key = library.path;
  if (const auto known = owner.loaded.find(key); known != owner.loaded.end()) return known->second;
  check_room(library);
  Rest rest;
  const Edits edits = edits_for(libraries, library, owner.number, rest);
  std::string why;
  const std::optional<Copy> copy = owner.copies->get(library.path, owner.number, edits, why);
  if (!copy) throw no_copy(library, why);
  void* handle = load_shared_object(copy->path, why);
  // Other processes may remove the file before it is loaded. It is still open, so the descriptor works.
  if (handle == nullptr && !leads_to(copy->path, copy->file.number())) {
    handle = load_shared_object(path_of_descriptor(copy->file.number()), why);
  }
  if (handle == nullptr) throw no_copy(library, why);
  share_pages(handle, ElfImage(library.file.bytes()), copy->original.number(), edits);
  if (rest.table.address != 0) fill(handle, rest.table, *owner.threads);
  owner.loaded.emplace(key, handle);
  run_constructors(handle, rest.constructors);
  if (rest.table.address != 0) base::watch_for_exit();  // after the handlers that the constructors have registered
  return handle;
}

// Errors: std::runtime_error with the reason.
void check_soundness(const std::vector<Library>& libraries, const std::string& module) {
  const char* reason = reason_against(module);
  const Library* against = &libraries.back();
  for (const Library& library : libraries) {
    if (reason != nullptr) break;
    against = &library;
    if (library.is_private) reason = reason_against(library.elf.python_symbols);
  }
  if (reason != nullptr) throw std::runtime_error(refusal(module, against->path, reason));
}

// Loads each library before those that need it. Returns the handle of the last. Errors: std::runtime_error, std::bad_alloc.
void* load(CopyOwner& owner, const std::vector<Library>& libraries) {
  void* handle = nullptr;
  for (const Library& library : libraries) {
    std::string why;
    handle = library.is_private ? load_copy(owner, libraries, library) : load_shared_object(library.path, why);
    if (handle == nullptr) throw std::runtime_error(why);
  }
  return handle;
}

// A text to add to an error that says that static TLS memory (the initial-exec model) is used up: each copy takes some of
// it.
const char* hint_of_static_tls(std::string_view error) {
  if (error.find("static TLS") == std::string_view::npos) return "";
  return "; glibc reserves little of this memory, and each copy takes some: start the process with "
         "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536 in its environment to reserve more";
}

// Returns the result of `open`. If it throws, returns null, and `why` has the reason. Errors: std::bad_alloc.
template <typename Open>
void* or_tell(std::string& why, const Open& open) {
  try {
    return open();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    why = error.what();
    why += hint_of_static_tls(why) + hint_of_mapping_limit();
    return nullptr;
  }
}

}  // namespace

void* open_private_library(CopyOwner& owner, const std::string& module, const std::string& path, std::string& why) {
  return or_tell(why, [&] {
    std::vector<Library> libraries = read_library_tree(path);
    libraries.back().is_private = true;  // an extension module is always private
    if (!owner.copies->trust().covers(module)) check_soundness(libraries, module);
    return load(owner, libraries);
  });
}

void* open_if_private(CopyOwner& owner, const std::string& path, std::string& why) {
  std::vector<Library> libraries;
  try {
    libraries = read_library_tree(path);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    return nullptr;  // ctypes then opens the library in the usual way and reports the error
  }
  if (!libraries.back().is_private) return nullptr;
  return or_tell(why, [&] {
    const std::string file = path.substr(path.rfind('/') + 1);
    const std::string name = file.substr(0, file.find('.'));
    if (!owner.copies->trust().covers(name)) check_soundness(libraries, name);
    return load(owner, libraries);
  });
}

}  // namespace aiointerpreters::extensions
