// SmallStack: a stack of plain structs with room for the first ones inside the object, so that shallow graphs cost no
// allocation. Owner: one encoder or decoder. Thread: its owner's. Errors: std::bad_alloc from push, content unchanged.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

namespace aiointerpreters::codec {

template <typename T, std::size_t kInline>
class SmallStack {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  SmallStack() noexcept : items_(inline_items()), end_(items_), limit_(items_ + kInline) {}
  SmallStack(const SmallStack&) = delete;
  SmallStack& operator=(const SmallStack&) = delete;
  ~SmallStack() {
    if (items_ != inline_items()) std::free(items_);
  }

  [[nodiscard]] bool empty() const noexcept { return end_ == items_; }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - items_); }
  [[nodiscard]] T& top() noexcept { return end_[-1]; }
  [[nodiscard]] T& operator[](std::size_t index) noexcept { return items_[index]; }
  [[nodiscard]] T* begin() noexcept { return items_; }
  [[nodiscard]] T* end() noexcept { return end_; }

  void push(const T& item) {
    if (end_ == limit_) grow();
    ::new (static_cast<void*>(end_)) T(item);
    ++end_;
  }
  void pop() noexcept { --end_; }

 private:
  [[nodiscard]] T* inline_items() noexcept { return reinterpret_cast<T*>(inline_); }
  void grow() {
    const std::size_t count = size();
    const bool on_heap = items_ != inline_items();
    if (count > static_cast<std::size_t>(-1) / (4 * sizeof(T))) throw std::bad_alloc();
    void* block = std::realloc(on_heap ? static_cast<void*>(items_) : nullptr, 2 * count * sizeof(T));
    if (block == nullptr) throw std::bad_alloc();
    if (!on_heap) std::memcpy(block, inline_, count * sizeof(T));
    items_ = static_cast<T*>(block);
    end_ = items_ + count;
    limit_ = items_ + 2 * count;
  }

  T* items_;
  T* end_;
  T* limit_;
  alignas(T) unsigned char inline_[kInline * sizeof(T)];
};

}  // namespace aiointerpreters::codec
