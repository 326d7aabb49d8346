// Memory: a block from malloc that crosses interpreters and threads; large ones lie on large pages where there are such.
// Thread: none of its own; one owner at a time.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/huge_pages.h"

namespace aiointerpreters::base {

class Memory {
 public:
  Memory() noexcept = default;

  // Errors: std::bad_alloc.
  [[nodiscard]] static Memory uninitialized(std::size_t size) { return Memory(std::malloc(size == 0 ? 1 : size), size); }
  [[nodiscard]] static Memory zeroed(std::size_t size) { return Memory(std::calloc(size == 0 ? 1 : size, 1), size); }

  // Null if there is none.
  [[nodiscard]] unsigned char* data() const noexcept { return static_cast<unsigned char*>(block_.get()); }

 private:
  struct Free {
    void operator()(void* block) const noexcept { std::free(block); }
  };
  Memory(void* block, std::size_t size) : block_(block) {
    if (block == nullptr) throw std::bad_alloc();
    advise_huge_pages(block, size);
  }
  std::unique_ptr<void, Free> block_;
};

}  // namespace aiointerpreters::base
