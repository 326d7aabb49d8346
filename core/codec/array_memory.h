// ArrayMemory: allocates the memory of NumPy arrays in a worker's interpreter in such a way that results need no copy. The
// memory belongs to the process, so it may outlive the array and its interpreter. NumPy gets memory from its data allocator
// (NEP 49). In a private copy of NumPy, this allocator is redirected to this class. Large blocks are listed here, with
// NumPy as their first owner. NumPy keeps all other blocks as before.
// Owner: its interpreter's Runtime. Once NumPy allocates here, it also owns itself forever, because the copy of NumPy
// stays.
// Thread: any, unless stated otherwise.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "codec/block_table.h"
#include "codec/shared_block.h"
#include "py/python.h"

namespace aiointerpreters::codec {

// `PyDataMemAllocator` of NumPy's C API.
struct ArrayAllocator {
  void* context;
  void* (*allocate)(void* context, std::size_t size);
  void* (*allocate_zeroed)(void* context, std::size_t count, std::size_t size);
  void* (*reallocate)(void* context, void* block, std::size_t size);
  void (*release)(void* context, void* block, std::size_t size);
};

// Memory that NumPy has requested. Once NumPy no longer uses it, it is a block like any other.
class ArrayBlock final : public SharedBlock {
 public:
  ArrayBlock(const ArrayAllocator& allocator, void* begin, std::size_t size) noexcept
      : allocator_(allocator), begin_(begin), size_(size) {}
  // NumPy's own allocator frees large blocks by free(), which any thread may call.
  ~ArrayBlock() override {
    if (begin_ != nullptr) allocator_.release(allocator_.context, begin_, size_);
  }

  [[nodiscard]] void* begin() const noexcept { return begin_; }
  // Gives up ownership: the memory belongs to another owner now.
  void forget() noexcept { begin_ = nullptr; }
  // True for the first message that takes it over.
  [[nodiscard]] bool claim() noexcept { return !is_claimed_.exchange(true, std::memory_order_relaxed); }

 private:
  const ArrayAllocator allocator_;
  void* begin_;
  const std::size_t size_;
  std::atomic<bool> is_claimed_{false};  // relaxed: it only matters which message is first
};
using ArrayBlockPtr = base::IntrusivePtr<ArrayBlock>;

class ArrayMemory final : public std::enable_shared_from_this<ArrayMemory> {
 public:
  // NumPy keeps smaller blocks: it caches the smallest ones, and copying the others is quick.
  static constexpr std::size_t kMin = std::size_t{64} * 1024;

  ArrayMemory() = default;
  ArrayMemory(const ArrayMemory&) = delete;
  ArrayMemory& operator=(const ArrayMemory&) = delete;

  // Call it with each module that was just created from a private copy. If the module is NumPy's, NumPy allocates here from
  // now on. If NumPy's allocator cannot be found, nothing changes, and results are copied. Requires: attached to its
  // interpreter. Errors: none.
  void see_module(const char* name, PyObject* module);
  // The replacement for that allocator. Any thread may release its large blocks.
  void serve(ArrayAllocator& allocator);

  // The block that contains these bytes of an array. Null if there is none, or if the array is such a small part of it that
  // copying is better.
  [[nodiscard]] ArrayBlockPtr find(const void* begin, std::size_t size) noexcept;
  // Whether an array still uses it.
  [[nodiscard]] bool is_used(const ArrayBlock& block) noexcept;

 private:
  static void* allocate(void* self, std::size_t size) noexcept;
  static void* allocate_zeroed(void* self, std::size_t count, std::size_t size) noexcept;
  static void* reallocate(void* self, void* block, std::size_t size) noexcept;
  static void release(void* self, void* block, std::size_t size) noexcept;
  // Lists a block that NumPy's allocator has returned, if there is memory for the entry. Returns the block.
  void* listed(void* block, std::size_t size) noexcept;

  ArrayAllocator original_{};
  BlockTable<ArrayBlock> blocks_;
  std::shared_ptr<ArrayMemory> self_;
};

}  // namespace aiointerpreters::codec
