// The counterparts of *_linux.cpp for systems without private copies. They are never called, because a pool with copies
// is refused before it is created (support.h).
#include <string>

#include "extensions/copy_store.h"
#include "extensions/file_descriptor.h"
#include "extensions/loaded_definition.h"
#include "extensions/private_library.h"
#include "extensions/python_symbols.h"
#include "extensions/shared_object.h"
#include "extensions/support.h"

namespace aiointerpreters::extensions {

static_assert(unsupported_reason() != nullptr, "who has private copies has no need of this file");

int FileDescriptor::close() noexcept {
  number_ = -1;
  return 0;
}

Environment Environment::of_process() { return {}; }

CopyStore::CopyStore(const Environment&, Report) : trust_("") {}

std::optional<Copy> CopyStore::get(const std::string&, unsigned, const Edits&, std::string& why) {
  why = unsupported_reason();
  return std::nullopt;
}

std::vector<FolderReport> CopyStore::describe() const { return {}; }

Cleared CopyStore::clear() const { return {}; }

void* open_private_library(CopyOwner&, const std::string&, const std::string&, std::string& why) {
  why = unsupported_reason();
  return nullptr;
}

void* open_if_private(CopyOwner&, const std::string&, std::string&) { return nullptr; }

std::vector<std::string> python_symbols_of(const std::string&) { return {}; }

const PyModuleDef* find_loaded_definition(const std::string&, const std::string&) noexcept { return nullptr; }

void* load_shared_object(const std::string&, std::string& why) {
  why = unsupported_reason();
  return nullptr;
}

void* find_symbol(void*, const std::string&) { return nullptr; }

std::byte* address_in(void*, std::uint64_t) { return nullptr; }

void run_constructors(void*, const Constructors&) {}

}  // namespace aiointerpreters::extensions
