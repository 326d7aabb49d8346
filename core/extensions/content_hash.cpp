// See content_hash.h. Numbers are read in the byte order of the machine, because no hash leaves it.
#include "extensions/content_hash.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace aiointerpreters::extensions {

namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;

template <typename Number>
Number read(const unsigned char* at) noexcept {
  Number number;
  std::memcpy(&number, at, sizeof(number));
  return number;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t input) noexcept {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

}  // namespace

ContentHash::ContentHash() noexcept : lanes_{kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1} {}

void ContentHash::add_stripe(const unsigned char* stripe) noexcept {
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    lanes_[lane] = round(lanes_[lane], read<std::uint64_t>(stripe + 8 * lane));
  }
}

void ContentHash::add(const void* bytes, std::size_t size) noexcept {
  const auto* at = static_cast<const unsigned char*>(bytes);
  size_ += size;
  if (in_rest_ != 0) {
    const std::size_t taken = std::min(size, kStripe - in_rest_);
    std::copy_n(at, taken, rest_.data() + in_rest_);
    in_rest_ += taken;
    at += taken;
    size -= taken;
    if (in_rest_ < kStripe) return;
    add_stripe(rest_.data());
    in_rest_ = 0;
  }
  for (; size >= kStripe; at += kStripe, size -= kStripe) add_stripe(at);
  std::copy_n(at, size, rest_.data());
  in_rest_ = size;
}

std::uint64_t ContentHash::value() const noexcept {
  std::uint64_t hash = kPrime5;
  if (size_ >= kStripe) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = (hash ^ round(0, lane)) * kPrime1 + kPrime4;
  }
  hash += size_;
  const unsigned char* at = rest_.data();
  const unsigned char* const end = at + in_rest_;
  for (; end - at >= 8; at += 8) {
    hash = std::rotl(hash ^ round(0, read<std::uint64_t>(at)), 27) * kPrime1 + kPrime4;
  }
  if (end - at >= 4) {
    hash = std::rotl(hash ^ (read<std::uint32_t>(at) * kPrime1), 23) * kPrime2 + kPrime3;
    at += 4;
  }
  for (; at != end; ++at) hash = std::rotl(hash ^ (*at * kPrime5), 11) * kPrime1;
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace aiointerpreters::extensions
