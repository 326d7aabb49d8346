// ArrayMemory: the memory of NumPy arrays in a worker's interpreter, allocated so that a result needs no copy. It belongs to
// the process, and stays when the array, and even its interpreter, are gone. NumPy asks its data allocator for memory (NEP
// 49), and the allocator of a private copy is redirected to this class. Large blocks are listed, with NumPy as the first
// owner; all others are NumPy's as before.
// Owner: its interpreter's Runtime. Once NumPy allocates here, it also owns itself, for ever, like the copy of NumPy.
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
  // NumPy's own allocator gives blocks as large as ours back to malloc, and any thread may do that.
  ~ArrayBlock() override {
    if (begin_ != nullptr) allocator_.release(allocator_.context, begin_, size_);
  }

  [[nodiscard]] void* begin() const noexcept { return begin_; }
  // The content belongs to another owner now.
  void forget() noexcept { begin_ = nullptr; }
  // True for the first message that takes it over.
  [[nodiscard]] bool claim() noexcept { return !is_claimed_.exchange(true, std::memory_order_relaxed); }

 private:
  const ArrayAllocator allocator_;
  void* begin_;
  const std::size_t size_;
  std::atomic<bool> is_claimed_{false};  // relaxed: only who is first matters
};
using ArrayBlockPtr = base::IntrusivePtr<ArrayBlock>;

class ArrayMemory final : public std::enable_shared_from_this<ArrayMemory> {
 public:
  // Smaller blocks are left to NumPy: it keeps the smallest ones in a cache, and copying them is quick.
  static constexpr std::size_t kMin = std::size_t{64} * 1024;

  ArrayMemory() = default;
  ArrayMemory(const ArrayMemory&) = delete;
  ArrayMemory& operator=(const ArrayMemory&) = delete;

  // Call it with each module that was just made from a private copy. If the module is NumPy's, NumPy allocates here from now
  // on. If its allocator cannot be found, nothing changes, and results are copied. Requires: attached to its interpreter. No
  // error.
  void see_module(const char* name, PyObject* module);
  // The replacement for that allocator. Any thread may release its large blocks.
  void serve(ArrayAllocator& allocator);

  // The block that contains these bytes of an array. Null if there is none, or if the rest of it is so large that copying is
  // better.
  [[nodiscard]] ArrayBlockPtr find(const void* begin, std::size_t size) noexcept;
  // Whether an array still has it.
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
