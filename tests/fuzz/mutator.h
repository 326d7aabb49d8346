// Mutator: makes new messages of known ones, by changes after which much of them is still well-formed. The same seed makes
// the same ones everywhere. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace aiointerpreters::fuzz {

using Input = std::vector<unsigned char>;

class Mutator {
 public:
  static constexpr std::size_t kMaxSize = 2048;

  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  // Changes `input` in a few places; pieces of `other` may come in.
  void mutate(Input& input, const Input& other);
  // A number from 0 to `bound` - 1. Requires: bound > 0.
  [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

 private:
  void change(Input& input, const Input& other);
  [[nodiscard]] unsigned char tag();
  [[nodiscard]] Input varint();
  // A short piece of what is there.
  [[nodiscard]] Input piece(const Input& input);
  void insert(Input& input, const Input& what);
  void overwrite(Input& input, const Input& what);
  void erase(Input& input);

  std::mt19937_64 random_;
};

}  // namespace aiointerpreters::fuzz
