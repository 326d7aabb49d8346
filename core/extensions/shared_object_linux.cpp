// See shared_object.h.
#include "extensions/shared_object.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <stdexcept>

namespace aiointerpreters::extensions {

namespace {

// The type of constructors in glibc. Nothing else passes them their arguments. Some keep the pointers (Rust, for
// std::env::args).
using Constructor = void (*)(int argc, char** argv, char** environment);

struct Arguments {
  int count = 0;
  char** values = nullptr;
};

Arguments& arguments() {
  static constinit Arguments of_process;
  return of_process;
}

void keep_arguments(int argc, char** argv, char** /*environment*/) { arguments() = {argc, argv}; }

// Called once, when this library is loaded. It is not const, because the compiler's own entries of that section are not.
// The attribute `constructor` is not used, because gcc may merge all such functions into one, which has no arguments.
[[gnu::section(".init_array"), gnu::used]] constinit Constructor kept_by = keep_arguments;

}  // namespace

void* load_shared_object(const std::string& path, std::string& why) {
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle != nullptr) return handle;
  const char* const reason = dlerror();
  why = reason != nullptr ? reason : path + " cannot be loaded";
  return nullptr;
}

void* find_symbol(void* handle, const std::string& name) { return dlsym(handle, name.c_str()); }

std::byte* address_in(void* handle, std::uint64_t address) {
  link_map* map = nullptr;
  if (handle == nullptr || dlinfo(handle, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0 || map == nullptr) {
    const char* const reason = dlerror();
    throw std::runtime_error(reason != nullptr ? reason
                                               : "the dynamic linker does not report where it loaded a shared object");
  }
  // The way from one pointer into the object to another.
  auto* const dynamic = reinterpret_cast<std::byte*>(map->l_ld);
  return dynamic + static_cast<std::ptrdiff_t>(map->l_addr + address - reinterpret_cast<std::uintptr_t>(dynamic));
}

void run_constructors(void* handle, const Constructors& constructors) {
  const auto [count, values] = arguments();
  if (constructors.first != 0) {
    reinterpret_cast<Constructor>(address_in(handle, constructors.first))(count, values, environ);
  }
  // The entries are addresses in memory: the dynamic linker has relocated them.
  const auto* const array = reinterpret_cast<const Constructor*>(address_in(handle, constructors.array));
  for (std::uint64_t index = 0; index < constructors.count; ++index) array[index](count, values, environ);
}

}  // namespace aiointerpreters::extensions
