// See mutator.h.
#include "mutator.h"

#include <algorithm>

#include "codec/format.h"

namespace aiointerpreters::fuzz {

namespace {

// Values around the limits of bytes, of varints, of signed numbers, and of the counts that a header can contain.
constexpr std::uint64_t kNumbers[] = {0,
                                      1,
                                      2,
                                      3,
                                      4,
                                      5,
                                      7,
                                      8,
                                      9,
                                      31,
                                      32,
                                      63,
                                      64,
                                      126,
                                      127,
                                      128,
                                      129,
                                      254,
                                      255,
                                      256,
                                      510,
                                      16383,
                                      16384,
                                      1 << 16,
                                      1 << 20,
                                      1 << 30,
                                      1U << 31,
                                      0xFFFFFFFF,
                                      1ULL << 32,
                                      1ULL << 61,
                                      1ULL << 62,
                                      (1ULL << 62) + 1,
                                      (1ULL << 63) - 1,
                                      1ULL << 63,
                                      ~0ULL - 1,
                                      ~0ULL};

}  // namespace

void Mutator::mutate(Input& input, const Input& other) {
  for (std::size_t changes = 1 + below(5); changes != 0; --changes) change(input, other);
  if (input.size() > kMaxSize) input.resize(kMaxSize);
}

void Mutator::change(Input& input, const Input& other) {
  if (input.empty()) return insert(input, other.empty() ? Input{tag()} : other);
  unsigned char& byte = input[below(input.size())];
  switch (below(12)) {
    case 0:
      byte ^= static_cast<unsigned char>(1U << below(8));
      break;
    case 1:  // a header's count or shared bit, a length, a small number
      byte = static_cast<unsigned char>(byte + below(5) - 2);
      break;
    case 2:
      byte = tag();
      break;
    case 3:
      insert(input, {tag()});
      break;
    case 4:  // around the following ones
      insert(input, {static_cast<unsigned char>(below(codec::kFirstLeaf)), static_cast<unsigned char>(below(6))});
      break;
    case 5:
      insert(input, {codec::kReference, static_cast<unsigned char>(below(6))});
      break;
    case 6:
      overwrite(input, varint());
      break;
    case 7:
      insert(input, varint());
      break;
    case 8:
      erase(input);
      break;
    case 9:
      insert(input, piece(input));
      break;
    case 10:
      insert(input, below(4) == 0 ? other : piece(other));
      break;
    default:  // the head of one, the tail of the other
      input.resize(below(input.size() + 1));
      if (!other.empty())
        input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(below(other.size())), other.end());
      break;
  }
}

unsigned char Mutator::tag() {
  // Lower tags are all different. Tags of short strings and small ints are many and alike.
  return static_cast<unsigned char>(below(4) == 0 ? below(256) : below(codec::kRecord + 1));
}

Input Mutator::varint() {
  std::uint64_t number = kNumbers[below(std::size(kNumbers))];
  Input bytes;
  for (; number >= 0x80; number >>= 7) bytes.push_back(static_cast<unsigned char>(number | 0x80));
  bytes.push_back(static_cast<unsigned char>(number));
  if (below(8) == 0) {  // longer than necessary
    bytes.back() |= 0x80;
    bytes.push_back(0);
  }
  return bytes;
}

Input Mutator::piece(const Input& input) {
  if (input.empty()) return {};
  const std::size_t start = below(input.size());
  const std::size_t size = std::min(1 + below(16), input.size() - start);
  const auto from = input.begin() + static_cast<std::ptrdiff_t>(start);
  return {from, from + static_cast<std::ptrdiff_t>(size)};
}

void Mutator::insert(Input& input, const Input& what) {
  input.insert(input.begin() + static_cast<std::ptrdiff_t>(below(input.size() + 1)), what.begin(), what.end());
}

void Mutator::overwrite(Input& input, const Input& what) {
  const std::size_t start = below(input.size());
  std::copy_n(what.begin(), std::min(what.size(), input.size() - start), input.begin() + static_cast<std::ptrdiff_t>(start));
}

void Mutator::erase(Input& input) {
  const std::size_t start = below(input.size());
  const auto from = input.begin() + static_cast<std::ptrdiff_t>(start);
  input.erase(from, from + static_cast<std::ptrdiff_t>(std::min(1 + below(8), input.size() - start)));
}

}  // namespace aiointerpreters::fuzz
