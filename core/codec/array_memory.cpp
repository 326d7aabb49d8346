// See array_memory.h.
#include "codec/array_memory.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "py/ref.h"

namespace aiointerpreters::codec {

namespace {

// `PyDataMem_Handler` of NumPy's C API.
struct Handler {
  char name[127];
  unsigned char version;
  ArrayAllocator allocator;
};
constexpr char kModule[] = "numpy._core._multiarray_umath";
constexpr char kCapsule[] = "mem_handler";
constexpr char kDefault[] = "default_allocator";
constexpr std::size_t kDefaultHandler = 306;  // index of PyDataMem_DefaultHandler in the table of the C API, since 1.22

// The handler that allocates if no other handler is set. Null without an exception: this NumPy has none.
Handler* default_handler(PyObject* module) {
  const py::Ref api = py::Ref::steal(PyObject_GetAttrString(module, "_ARRAY_API"));
  auto* const table = api ? static_cast<void**>(PyCapsule_GetPointer(api.get(), nullptr)) : nullptr;
  auto* const place = table != nullptr ? static_cast<PyObject**>(table[kDefaultHandler]) : nullptr;
  auto* const handler = place != nullptr && PyCapsule_IsValid(*place, kCapsule) != 0
                            ? static_cast<Handler*>(PyCapsule_GetPointer(*place, kCapsule))
                            : nullptr;
  PyErr_Clear();
  const bool is_known = handler != nullptr && handler->version == 1 && std::strcmp(handler->name, kDefault) == 0;
  return is_known ? handler : nullptr;
}

ArrayMemory& memory(void* self) noexcept { return *static_cast<ArrayMemory*>(self); }

}  // namespace

void ArrayMemory::see_module(const char* name, PyObject* module) {
  if (std::strcmp(name, kModule) != 0) return;
  if (Handler* const handler = default_handler(module)) serve(handler->allocator);
}

void ArrayMemory::serve(ArrayAllocator& allocator) {
  if (self_) return;
  self_ = shared_from_this();
  original_ = allocator;
  allocator = {this, allocate, allocate_zeroed, reallocate, release};
}

ArrayBlockPtr ArrayMemory::find(const void* begin, std::size_t size) noexcept {
  auto [block, all] = blocks_.find(begin, size);
  return size >= all / 2 ? std::move(block) : ArrayBlockPtr();
}

bool ArrayMemory::is_used(const ArrayBlock& block) noexcept { return blocks_.find(block.begin(), 1).first.get() == &block; }

void* ArrayMemory::listed(void* block, std::size_t size) noexcept {
  if (block == nullptr || size < kMin) return block;
  ArrayBlockPtr made;
  try {
    made = ArrayBlockPtr(std::make_unique<ArrayBlock>(original_, block, size).release());
    if (const ArrayBlockPtr stale = blocks_.add(block, size, made)) stale->forget();
  } catch (const std::bad_alloc&) {
    if (made) made->forget();  // results are then copied, like memory of another library
  }
  return block;
}

void* ArrayMemory::allocate(void* self, std::size_t size) noexcept {
  const ArrayAllocator& original = memory(self).original_;
  return memory(self).listed(original.allocate(original.context, size), size);
}

void* ArrayMemory::allocate_zeroed(void* self, std::size_t count, std::size_t size) noexcept {
  const ArrayAllocator& original = memory(self).original_;
  void* const block = original.allocate_zeroed(original.context, count, size);
  return memory(self).listed(block, count * size);  // the allocator has checked that this does not overflow
}

void* ArrayMemory::reallocate(void* self, void* block, std::size_t size) noexcept {
  const ArrayAllocator& original = memory(self).original_;
  auto [known, before] = memory(self).blocks_.find(block, 1);
  if (!known || known->begin() != block) {
    return memory(self).listed(original.reallocate(original.context, block, size), size);
  }
  // Other objects may still use the block, or would free it with its old size. So the block stays, and a new one is
  // allocated.
  void* const made = allocate(self, size);
  if (made == nullptr) return nullptr;
  std::memcpy(made, block, std::min(before, size));
  static_cast<void>(memory(self).blocks_.take(block));
  return made;
}

void ArrayMemory::release(void* self, void* block, std::size_t size) noexcept {
  if (size >= kMin && memory(self).blocks_.take(block)) return;
  const ArrayAllocator& original = memory(self).original_;
  original.release(original.context, block, size);
}

}  // namespace aiointerpreters::codec
