// AddressSet: a set of objects, by address. First all objects are added, then it is queried. Adding is a single store. The
// hash table is built once, with the right size. Holds no references.
// Owner: one encoding. Thread: its owner's. Errors: std::bad_alloc.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace aiointerpreters::codec {

class AddressSet {
 public:
  void add(const void* object) { objects_.push_back(object); }
  // The number of additions, repetitions included.
  [[nodiscard]] std::size_t size() const noexcept { return objects_.size(); }
  void clear() noexcept {
    objects_.clear();
    slots_.clear();
  }

  // Requires: called after the last `add`, before the first `contains`.
  void close() {
    slots_.assign(std::bit_ceil(2 * objects_.size() + 1), nullptr);
    for (const void* const object : objects_) slots_[place_of(object)] = object;
  }
  [[nodiscard]] bool contains(const void* object) const noexcept { return slots_[place_of(object)] == object; }

 private:
  [[nodiscard]] std::size_t place_of(const void* object) const noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = ((address >> 4) ^ (address >> 20)) & mask;
    while (slots_[at] != nullptr && slots_[at] != object) at = (at + 1) & mask;
    return at;
  }

  std::vector<const void*> objects_;
  std::vector<const void*> slots_;  // a power of two; at most half of the slots are used
};

}  // namespace aiointerpreters::codec
