// ContentHash: XXH64 without a seed, a hash of 64 bits (Y. Collet, "xxHash fast digest algorithm", 2014). It reads several
// gigabytes a second. Equal hashes do not prove equal content: compare the bytes if that matters.
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
  // The hash of all bytes added so far.
  [[nodiscard]] std::uint64_t value() const noexcept;

 private:
  static constexpr std::size_t kStripe = 32;  // bytes that are processed at once, eight in each lane

  void add_stripe(const unsigned char* stripe) noexcept;

  std::array<std::uint64_t, 4> lanes_;
  std::array<unsigned char, kStripe> rest_{};  // bytes that do not fill a stripe yet
  std::size_t in_rest_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace aiointerpreters::extensions
