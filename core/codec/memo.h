// Memo: the encoder's record of which objects it has written, by address, each with its index in order of appearance. A few
// objects are searched one by one; more go to a hash table. Holds no references: nothing in the graph can die while it is
// encoded, because encoding runs no Python code.
// Owner: one encoder. Thread: its owner's. Errors: std::bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace aiointerpreters::codec {

class Memo {
 public:
  static constexpr std::size_t kNew = static_cast<std::size_t>(-1);

  Memo() noexcept = default;
  Memo(const Memo&) = delete;
  Memo& operator=(const Memo&) = delete;
  ~Memo() { std::free(slots_); }

  // Returns the object's index, or kNew if it was not known: it is now.
  [[nodiscard]] std::size_t find_or_add(const void* object) {
    if (slots_ != nullptr) return find_or_add_hashed(object);
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

  // Low bits first: objects made one after the other lie in slots next to each other.
  [[nodiscard]] Slot& slot_of(const void* object) const noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    std::size_t at = ((address >> 4) ^ (address >> 20)) & mask_;
    while (slots_[at].object != nullptr && slots_[at].object != object) at = (at + 1) & mask_;
    return slots_[at];
  }
  std::size_t find_or_add_hashed(const void* object) {
    if (2 * count_ >= capacity()) grow();
    Slot& slot = slot_of(object);
    if (slot.object == object) return slot.index;
    slot = {object, count_++};
    return kNew;
  }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_ == nullptr ? 0 : mask_ + 1; }
  void grow() {
    const std::size_t old_capacity = capacity();
    const std::size_t wanted = old_capacity == 0 ? 64 : old_capacity * (old_capacity < 65'536 ? 4 : 2);
    Slot* old_slots = slots_;
    auto* slots = static_cast<Slot*>(std::calloc(wanted, sizeof(Slot)));
    if (slots == nullptr) throw std::bad_alloc();
    slots_ = slots;
    mask_ = wanted - 1;
    if (old_slots == nullptr) {
      for (std::size_t i = 0; i < count_; ++i) slot_of(few_[i]) = {few_[i], i};
    }
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old_slots[i].object != nullptr) slot_of(old_slots[i].object) = old_slots[i];
    }
    std::free(old_slots);
  }

  std::size_t count_ = 0;
  std::size_t mask_ = 0;
  Slot* slots_ = nullptr;
  const void* few_[kFew];
};

}  // namespace aiointerpreters::codec
