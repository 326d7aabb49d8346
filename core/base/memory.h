// Memory: a block that crosses interpreters and threads. A small block comes from malloc, a large one from the operating
// system. malloc would keep the memory or the address space of a large block in an arena, behind small blocks.
// Thread: none of its own; one owner at a time.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/pages.h"

namespace aiointerpreters::base {

class Memory {
 public:
  Memory() noexcept = default;

  // Errors: std::bad_alloc.
  [[nodiscard]] static Memory uninitialized(std::size_t size) {
    return size < kLargeBlock ? Memory(std::malloc(size == 0 ? 1 : size), 0) : Memory(map_pages(size), size);
  }
  [[nodiscard]] static Memory zeroed(std::size_t size) {
    return size < kLargeBlock ? Memory(std::calloc(size == 0 ? 1 : size, 1), 0) : Memory(map_pages(size), size);
  }

  // Null if there is none.
  [[nodiscard]] unsigned char* data() const noexcept { return static_cast<unsigned char*>(block_.get()); }

 private:
  struct Free {
    Free() noexcept : mapped(0) {}
    explicit Free(std::size_t size) noexcept : mapped(size) {}
    std::size_t mapped;  // how much is mapped; 0: it belongs to malloc
    void operator()(void* block) const noexcept { mapped == 0 ? std::free(block) : unmap_pages(block, mapped); }
  };
  Memory(void* block, std::size_t mapped) : block_(block, Free(mapped)) {
    if (block == nullptr) throw std::bad_alloc();
  }
  std::unique_ptr<void, Free> block_;
};

}  // namespace aiointerpreters::base
