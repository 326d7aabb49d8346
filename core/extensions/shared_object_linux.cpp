// See shared_object.h.
#include "extensions/shared_object.h"

#include <dlfcn.h>
#include <link.h>

namespace aiointerpreters::extensions {

void* load_shared_object(const std::string& path, std::string& why) {
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return handle;
  const char* const reason = dlerror();
  why = reason != nullptr ? reason : path + " cannot be loaded";
  return nullptr;
}

void* find_symbol(void* handle, const std::string& name) { return dlsym(handle, name.c_str()); }

std::byte* address_in(void* handle, std::uint64_t address) {
  link_map* map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0 || map == nullptr) return nullptr;
  // From a pointer into the object to another one.
  auto* const dynamic = reinterpret_cast<std::byte*>(map->l_ld);
  return dynamic + static_cast<std::ptrdiff_t>(map->l_addr + address - reinterpret_cast<std::uintptr_t>(dynamic));
}

}  // namespace aiointerpreters::extensions
