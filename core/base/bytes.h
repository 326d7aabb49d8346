// Bytes: a growable run of bytes. A small message has room inside the object itself, so the arguments of a small call cost
// no allocation. Heap memory comes from malloc, because it crosses interpreters and threads.
// Thread: none of its own; one owner at a time.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace aiointerpreters::base {

class Bytes {
 public:
  static constexpr std::size_t kInline = 64;

  Bytes() noexcept = default;
  Bytes(Bytes&& other) noexcept { take(other); }
  Bytes& operator=(Bytes&& other) noexcept {
    if (this != &other) {
      free_heap();
      take(other);
    }
    return *this;
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { free_heap(); }

  [[nodiscard]] const unsigned char* data() const noexcept { return data_; }
  [[nodiscard]] unsigned char* data() noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // Drops the content and gives heap memory back.
  void clear() noexcept {
    free_heap();
    data_ = inline_;
    size_ = 0;
    capacity_ = kInline;
  }

  // Makes room for `more` bytes after the content and returns where they start. `advance` then says how many of them were
  // written. Errors: std::bad_alloc, content unchanged.
  [[nodiscard]] unsigned char* reserve(std::size_t more) {
    if (more > capacity_ - size_) grow(more);
    return data_ + size_;
  }
  void advance(std::size_t written) noexcept { size_ += written; }
  // How many bytes fit after the content without another reserve.
  [[nodiscard]] std::size_t room() const noexcept { return capacity_ - size_; }

  // Errors: std::bad_alloc, content unchanged.
  void append(const void* from, std::size_t count) {
    if (count == 0) return;
    std::memcpy(reserve(count), from, count);
    size_ += count;
  }
  void push_back(unsigned char byte) {
    *reserve(1) = byte;
    ++size_;
  }

 private:
  void grow(std::size_t more) {
    if (more > static_cast<std::size_t>(-1) / 2 - size_) throw std::bad_alloc();
    const std::size_t wanted = size_ + more;
    const std::size_t capacity = wanted > capacity_ * 2 ? wanted : capacity_ * 2;
    void* block = std::realloc(on_heap() ? data_ : nullptr, capacity);
    if (block == nullptr) throw std::bad_alloc();
    if (!on_heap()) std::memcpy(block, inline_, size_);
    data_ = static_cast<unsigned char*>(block);
    capacity_ = capacity;
  }
  void take(Bytes& other) noexcept {
    size_ = std::exchange(other.size_, 0);
    if (other.on_heap()) {
      data_ = std::exchange(other.data_, other.inline_);
      capacity_ = std::exchange(other.capacity_, kInline);
    } else {
      std::memcpy(inline_, other.inline_, size_);
      data_ = inline_;
      capacity_ = kInline;
    }
  }
  [[nodiscard]] bool on_heap() const noexcept { return data_ != inline_; }
  void free_heap() noexcept {
    if (on_heap()) std::free(data_);
  }

  unsigned char* data_ = inline_;
  std::size_t size_ = 0;
  std::size_t capacity_ = kInline;
  unsigned char inline_[kInline];
};

}  // namespace aiointerpreters::base
