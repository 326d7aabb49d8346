// Memo: the objects that the encoder has written, by address. Each has an index, in order of appearance. A few objects are
// searched one by one; more go to a hash table. Holds no references: encoding runs no Python code, so no object of the
// graph can die meanwhile. Code that looks into it later (parts.h) may find a new object at the address of a dead one. The
// only effect is an unnecessary pass.
// Owner: one encoder. Thread: its owner's. Errors: std::bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace aiointerpreters::codec {

class Memo {
 public:
  static constexpr std::size_t kNew = static_cast<std::size_t>(-1);

  Memo() noexcept = default;
  Memo(const Memo&) = delete;
  Memo& operator=(const Memo&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  void clear() noexcept {
    count_ = 0;
    slots_.clear();
  }
  // Returns the object's index, or kNew if it is not in the memo.
  [[nodiscard]] std::size_t find(const void* object) const noexcept {
    if (!slots_.empty()) {
      const Slot& slot = slots_[place_of(object)];
      return slot.object == object ? slot.index : kNew;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      if (few_[i] == object) return i;
    }
    return kNew;
  }
  // Returns the object's index. If it was not in the memo, adds it and returns kNew.
  [[nodiscard]] std::size_t find_or_add(const void* object) {
    if (!slots_.empty()) return find_or_add_hashed(object);
    for (std::size_t i = 0; i < count_; ++i) {
      if (few_[i] == object) return i;
    }
    if (count_ == kFew) return find_or_add_hashed(object);
    few_[count_++] = object;
    return kNew;
  }

 private:
  static constexpr std::size_t kFew = 8;

  struct Slot {
    const void* object;
    std::size_t index;
  };

  // Low bits first: objects that are created one after the other have neighbouring slots.
  [[nodiscard]] std::size_t place_of(const void* object) const noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = ((address >> 4) ^ (address >> 20)) & mask;
    while (slots_[at].object != nullptr && slots_[at].object != object) at = (at + 1) & mask;
    return at;
  }
  [[nodiscard]] Slot& slot_of(const void* object) noexcept { return slots_[place_of(object)]; }
  std::size_t find_or_add_hashed(const void* object) {
    if (2 * count_ >= slots_.size()) grow();
    Slot& slot = slot_of(object);
    if (slot.object == object) return slot.index;
    slot = {object, count_++};
    return kNew;
  }
  void grow() {
    const std::size_t size = slots_.size();
    std::vector<Slot> old(size == 0 ? 64 : size * (size < 4096 ? 4 : 2));
    old.swap(slots_);
    if (size == 0) {
      for (std::size_t i = 0; i < count_; ++i) slot_of(few_[i]) = {few_[i], i};
    }
    for (const Slot& slot : old) {
      if (slot.object != nullptr) slot_of(slot.object) = slot;
    }
  }

  std::size_t count_ = 0;
  std::vector<Slot> slots_;  // a power of two; at most half of the slots are used
  const void* few_[kFew];
};

}  // namespace aiointerpreters::codec
