// ArrayMemory: where NumPy's arrays of a worker's interpreter have their elements, so that a result needs no copy: its
// memory belongs to the process, and stays when the array, and even its interpreter, are gone. NumPy asks its data allocator
// for memory (NEP 49), and the one of a private copy is told to ask here.
// Large blocks are listed, with NumPy as the first owner; all else is NumPy's as before.
// Owner: its interpreter's Runtime; once NumPy asks here, itself as well, for ever, as the copy of NumPy does.
// Thread: any, where nothing else is said.
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

// Memory that NumPy has asked for. Once NumPy has no use for it, it is as any other block.
class ArrayBlock final : public SharedBlock {
 public:
  ArrayBlock(const ArrayAllocator& allocator, void* begin, std::size_t size) noexcept
      : allocator_(allocator), begin_(begin), size_(size) {}
  // NumPy's own allocator gives blocks as large as ours back to malloc, which any thread may do.
  ~ArrayBlock() override {
    if (begin_ != nullptr) allocator_.release(allocator_.context, begin_, size_);
  }

  [[nodiscard]] void* begin() const noexcept { return begin_; }
  // What is there is somebody else's now.
  void forget() noexcept { begin_ = nullptr; }
  // True for the first message that takes it over.
  [[nodiscard]] bool claim() noexcept { return !is_claimed_.exchange(true, std::memory_order_relaxed); }

 private:
  const ArrayAllocator allocator_;
  void* begin_;
  const std::size_t size_;
  std::atomic<bool> is_claimed_{false};  // relaxed: only who is first has to be clear
};
using ArrayBlockPtr = base::IntrusivePtr<ArrayBlock>;

class ArrayMemory final : public std::enable_shared_from_this<ArrayMemory> {
 public:
  // Smaller blocks are left to NumPy: it keeps the smallest in a cache, and they are soon copied.
  static constexpr std::size_t kMin = std::size_t{64} * 1024;

  ArrayMemory() = default;
  ArrayMemory(const ArrayMemory&) = delete;
  ArrayMemory& operator=(const ArrayMemory&) = delete;

  // A module that has just been made from a private copy. If it is NumPy's, that allocates here from now on. If it cannot be
  // found how, nothing changes, and results are copied. Requires: attached to its interpreter. No error.
  void see_module(const char* name, PyObject* module);
  // Stands in for that allocator, whose large blocks any thread may release.
  void serve(ArrayAllocator& allocator);

  // The block that has these bytes of an array. Null if there is none, or so much more in it that copying is better.
  [[nodiscard]] ArrayBlockPtr find(const void* begin, std::size_t size) noexcept;
  // Whether an array has it still.
  [[nodiscard]] bool is_used(const ArrayBlock& block) noexcept;

 private:
  static void* allocate(void* self, std::size_t size) noexcept;
  static void* allocate_zeroed(void* self, std::size_t count, std::size_t size) noexcept;
  static void* reallocate(void* self, void* block, std::size_t size) noexcept;
  static void release(void* self, void* block, std::size_t size) noexcept;
  // Lists what NumPy's allocator has returned, as far as there is memory for that. Returns it.
  void* listed(void* block, std::size_t size) noexcept;

  ArrayAllocator original_{};
  BlockTable<ArrayBlock> blocks_;
  std::shared_ptr<ArrayMemory> self_;
};

}  // namespace aiointerpreters::codec
