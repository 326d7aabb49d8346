// See loaded_definition.h.
#include "extensions/loaded_definition.h"

#include <link.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace aiointerpreters::extensions {

namespace {

constexpr std::size_t kScannedMost = std::size_t{64} << 20;  // bytes of one segment
constexpr Py_ssize_t kMostModules = 1'000'000;               // an index above is none
constexpr std::size_t kMostSlots = 64;

struct Search {
  std::string_view path;
  std::string_view name;  // the last part of the module's name
  const PyModuleDef* any = nullptr;
  const PyModuleDef* named = nullptr;
  std::size_t found = 0;
};

// The number of bytes from this address to the end of its segment; 0 if it is not in the object.
std::size_t bytes_left(const dl_phdr_info& object, std::uintptr_t address) noexcept {
  for (std::size_t i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr) & segment = object.dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_R) == 0) continue;
    const std::uintptr_t offset = address - (object.dlpi_addr + segment.p_vaddr);  // huge if it is before the segment
    if (offset < segment.p_memsz) return segment.p_memsz - offset;
  }
  return 0;
}

bool has_ended_slots(const dl_phdr_info& object, const PyModuleDef_Slot* slots) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(slots);
  if (address % alignof(PyModuleDef_Slot) != 0) return false;
  const std::size_t count = std::min(bytes_left(object, address) / sizeof(PyModuleDef_Slot), kMostSlots);
  return std::any_of(slots, slots + count, [](const PyModuleDef_Slot& slot) { return slot.slot == 0; });
}

void look_at(const dl_phdr_info& object, const PyModuleDef& candidate, Search& search) noexcept {
  if (Py_TYPE(&candidate) != &PyModuleDef_Type) return;
  if (candidate.m_base.m_index <= 0 || candidate.m_base.m_index > kMostModules) return;
  const std::size_t space = bytes_left(object, reinterpret_cast<std::uintptr_t>(candidate.m_name));
  const std::size_t length = space != 0 ? strnlen(candidate.m_name, space) : 0;
  if (length == space) return;
  if (candidate.m_slots != nullptr && !has_ended_slots(object, candidate.m_slots)) return;
  const std::string_view name(candidate.m_name, length);
  ++search.found;
  search.any = &candidate;
  if (name.substr(name.rfind('.') + 1) == search.name) search.named = &candidate;
}

// The way from one pointer into the object to another.
const PyModuleDef& definition_at(const dl_phdr_info& object, std::uintptr_t address) noexcept {
  const auto* const known = reinterpret_cast<const std::byte*>(object.dlpi_phdr);
  const auto distance = static_cast<std::ptrdiff_t>(address - reinterpret_cast<std::uintptr_t>(known));
  return *reinterpret_cast<const PyModuleDef*>(known + distance);
}

int look_into(dl_phdr_info* object, std::size_t /*size*/, void* data) {
  Search& search = *static_cast<Search*>(data);
  if (object->dlpi_name == nullptr || search.path != object->dlpi_name) return 0;
  for (std::size_t i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr) & segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_R) == 0 || (segment.p_flags & PF_W) == 0) continue;
    const std::uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
    const std::uintptr_t end = begin + std::min<std::size_t>(segment.p_memsz, kScannedMost);
    std::uintptr_t at = (begin + alignof(PyModuleDef) - 1) / alignof(PyModuleDef) * alignof(PyModuleDef);
    for (; at + sizeof(PyModuleDef) <= end; at += alignof(PyModuleDef)) {
      look_at(*object, definition_at(*object, at), search);
    }
  }
  return 1;
}

}  // namespace

const PyModuleDef* find_loaded_definition(const std::string& module, const std::string& path) noexcept {
  Search search{.path = path, .name = std::string_view(module).substr(module.rfind('.') + 1)};
  if (!path.empty()) dl_iterate_phdr(look_into, &search);
  if (search.named != nullptr) return search.named;
  return search.found == 1 ? search.any : nullptr;
}

}  // namespace aiointerpreters::extensions
