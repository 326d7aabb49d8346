// IntrusivePtr: shared ownership of an object that counts its own owners, at one word a pointer and no extra allocation.
// Thread: the count is atomic; one IntrusivePtr belongs to one thread at a time.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

namespace aiointerpreters::base {

// Base of the objects that an IntrusivePtr owns. A new object has no owner yet. The last owner destroys it, on its own
// thread.
class Counted {
 public:
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 protected:
  Counted() noexcept = default;
  virtual ~Counted() = default;

 private:
  friend struct std::default_delete<Counted>;
  template <typename T>
  friend class IntrusivePtr;
  std::atomic<std::uint32_t> owners_{0};
};

template <typename T>
class IntrusivePtr {
 public:
  IntrusivePtr() noexcept = default;
  explicit IntrusivePtr(T* object) noexcept : object_(object) {
    // relaxed: the copying thread already owns the object, so nobody can be destroying it.
    if (object_ != nullptr) object_->owners_.fetch_add(1, std::memory_order_relaxed);
  }
  IntrusivePtr(const IntrusivePtr& other) noexcept : IntrusivePtr(other.object_) {}
  template <typename Derived>
    requires std::derived_from<Derived, T>
  explicit(false) IntrusivePtr(const IntrusivePtr<Derived>& other) noexcept : IntrusivePtr(other.get()) {}
  IntrusivePtr(IntrusivePtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  IntrusivePtr& operator=(IntrusivePtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~IntrusivePtr() {
    // acq_rel: the actions of every owner happen before the destruction.
    if (object_ != nullptr && object_->owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      std::default_delete<Counted>()(object_);
    }
  }

  // Returns one more owner of an object, or null if its last owner has already gone. Requires: the object's memory still
  // exists.
  [[nodiscard]] static IntrusivePtr if_alive(T* object) noexcept {
    std::uint32_t owners = object->owners_.load(std::memory_order_relaxed);
    while (owners != 0) {
      // relaxed: as for a copy; the code that led here has published the content of the object.
      if (object->owners_.compare_exchange_weak(owners, owners + 1, std::memory_order_relaxed)) return adopt(object);
    }
    return IntrusivePtr();
  }
  // Takes over the ownership that `release` gave away.
  [[nodiscard]] static IntrusivePtr adopt(T* object) noexcept {
    IntrusivePtr pointer;
    pointer.object_ = object;
    return pointer;
  }
  // Gives the ownership away, to an intrusive list.
  [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  [[nodiscard]] friend bool operator==(const IntrusivePtr&, const IntrusivePtr&) noexcept = default;

 private:
  T* object_ = nullptr;
};

}  // namespace aiointerpreters::base
