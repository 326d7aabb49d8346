// ContentHash: 64 bits that stand for bytes: XXH64 without a seed (Y. Collet, "xxHash fast digest algorithm", 2014), several
// gigabytes a second. It finds things; it proves nothing: whoever relies on equal content compares the bytes.
// Thread: any, one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace aiointerpreters::extensions {

class ContentHash {
 public:
  ContentHash() noexcept;

  void add(const void* bytes, std::size_t size) noexcept;
  // Of all bytes up to here.
  [[nodiscard]] std::uint64_t value() const noexcept;

 private:
  static constexpr std::size_t kStripe = 32;  // bytes that are taken at once, eight for each lane

  void add_stripe(const unsigned char* stripe) noexcept;

  std::array<std::uint64_t, 4> lanes_;
  std::array<unsigned char, kStripe> rest_{};  // what does not make a stripe yet
  std::size_t in_rest_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace aiointerpreters::extensions
