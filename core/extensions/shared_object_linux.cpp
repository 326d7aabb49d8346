// See shared_object.h.
#include "extensions/shared_object.h"

#include <dlfcn.h>

namespace aiointerpreters::extensions {

void* load_shared_object(const std::string& path, std::string& why) {
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return handle;
  const char* const reason = dlerror();
  why = reason != nullptr ? reason : path + " cannot be loaded";
  return nullptr;
}

void* find_symbol(void* handle, const std::string& name) { return dlsym(handle, name.c_str()); }

}  // namespace aiointerpreters::extensions
