// BlockTable: blocks of memory by their addresses, each with its owner. Plain C++.
// Owner: the code that hands the memory out. Thread: any.
#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "base/intrusive.h"
#include "base/mutex.h"

namespace aiointerpreters::codec {

template <typename Block>
class BlockTable {
 public:
  using BlockPtr = base::IntrusivePtr<Block>;

  // Requires: size > 0. Returns the old block that began at the same address, if there is one; it is no longer in the
  // table. Such a block means that its memory has been freed without the table's knowledge. Errors: std::bad_alloc.
  [[nodiscard]] BlockPtr add(void* begin, std::size_t size, BlockPtr block) AIOI_EXCLUDES(mutex_) {
    const base::Lock lock(mutex_);
    Entry& entry = blocks_[static_cast<char*>(begin)];
    entry.size = size;
    return std::exchange(entry.block, std::move(block));
  }
  // Removes the block that begins there from the table and returns it; null if there is none.
  [[nodiscard]] BlockPtr take(void* begin) noexcept AIOI_EXCLUDES(mutex_) {
    const base::Lock lock(mutex_);
    const auto found = blocks_.find(static_cast<char*>(begin));
    if (found == blocks_.end()) return {};
    BlockPtr block = std::move(found->second.block);
    blocks_.erase(found);
    return block;
  }
  // The block that contains all these bytes, and its size; null if no block does.
  [[nodiscard]] std::pair<BlockPtr, std::size_t> find(const void* begin, std::size_t size) noexcept AIOI_EXCLUDES(mutex_) {
    const base::Lock lock(mutex_);
    auto* const first = static_cast<char*>(const_cast<void*>(begin));
    auto found = blocks_.upper_bound(first);
    if (found == blocks_.begin()) return {};
    --found;
    const auto before = static_cast<std::size_t>(first - found->first);
    const std::size_t all = found->second.size;
    if (before > all || size > all - before) return {};
    return {found->second.block, all};
  }

 private:
  struct Entry {
    std::size_t size = 0;
    BlockPtr block;
  };

  base::Mutex mutex_;
  std::map<char*, Entry> blocks_ AIOI_GUARDED_BY(mutex_);
};

}  // namespace aiointerpreters::codec
