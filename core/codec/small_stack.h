// SmallStack: a stack of plain structs. The first ones are stored inside the object, so shallow graphs need no allocation.
// Owner: one encoder or decoder. Thread: its owner's. Errors: std::bad_alloc from push; the content is unchanged.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <vector>

namespace aiointerpreters::codec {

template <typename T, std::size_t kInline>
class SmallStack {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  SmallStack() noexcept : items_(inline_items()), end_(items_), limit_(items_ + kInline) {}
  SmallStack(const SmallStack&) = delete;
  SmallStack& operator=(const SmallStack&) = delete;

  [[nodiscard]] bool empty() const noexcept { return end_ == items_; }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - items_); }
  [[nodiscard]] T& top() noexcept { return end_[-1]; }
  [[nodiscard]] T& operator[](std::size_t index) noexcept { return items_[index]; }
  [[nodiscard]] T* begin() noexcept { return items_; }
  [[nodiscard]] T* end() noexcept { return end_; }

  void push(const T& item) { emplace() = item; }
  // Adds a struct to be filled in place. Building it elsewhere and copying it costs several times as much, because the
  // processor has to wait for the separate stores before it can load the whole.
  [[nodiscard]] T& emplace() {
    if (end_ == limit_) grow();
    return *::new (static_cast<void*>(end_++)) T;
  }
  void pop() noexcept { --end_; }

 private:
  [[nodiscard]] T* inline_items() noexcept { return reinterpret_cast<T*>(inline_); }
  void grow() {
    const std::size_t count = size();
    const bool on_heap = items_ != inline_items();
    heap_.resize(2 * count);
    if (!on_heap) std::memcpy(static_cast<void*>(heap_.data()), inline_, sizeof inline_);
    items_ = heap_.data();
    end_ = items_ + count;
    limit_ = items_ + 2 * count;
  }

  T* items_;
  T* end_;
  T* limit_;
  std::vector<T> heap_;  // empty while the inline ones are enough
  alignas(T) unsigned char inline_[kInline * sizeof(T)];
};

}  // namespace aiointerpreters::codec
