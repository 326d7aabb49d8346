// Makes allocations of the engine fail on demand: the n-th from now on, or that one and all later ones. A failing start of a
// thread counts as one. Only in `_core` built with -DAIOINTERPRETERS_ALLOCATION_FAULTS=ON. tests/support/faults.py calls it.
// Thread: any.
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

enum Mode : int { kNever, kOnce, kFromThenOn };

// seq_cst everywhere, because nothing here has to be fast.
std::atomic<long> allocations{0};  // since the last call of aiointerpreters_fail_allocation
std::atomic<long> failing{0};      // the number of the one that fails
std::atomic<int> mode{kNever};
std::atomic<bool> only_one_thread{false};
std::atomic<pthread_t> thread{};

bool must_fail() noexcept {
  if (only_one_thread && pthread_equal(thread, pthread_self()) == 0) return false;
  const long number = ++allocations;
  if (mode == kOnce) return number == failing;
  return mode == kFromThenOn && number >= failing;
}

}  // namespace

extern "C" {

void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
void* __real_realloc(void* block, std::size_t size);
void* __real_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t offset);
int __real_pthread_create(pthread_t* made, const pthread_attr_t* attributes, void* (*run)(void*), void* argument);

void* __wrap_malloc(std::size_t size) { return must_fail() ? nullptr : __real_malloc(size); }
void* __wrap_calloc(std::size_t count, std::size_t size) { return must_fail() ? nullptr : __real_calloc(count, size); }
void* __wrap_realloc(void* block, std::size_t size) { return must_fail() ? nullptr : __real_realloc(block, size); }
void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t offset) {
  if (must_fail()) return errno = ENOMEM, MAP_FAILED;
  return __real_mmap(address, size, protection, flags, file, offset);
}
int __wrap_pthread_create(pthread_t* made, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  return must_fail() ? EAGAIN : __real_pthread_create(made, attributes, run, argument);
}

// Counts from zero and lets the allocation of that number fail: 1 is the next one, 0 is none. `lasting`: all later ones
// fail too. `here`: only allocations of the calling thread are counted and fail.
__attribute__((visibility("default"))) void aiointerpreters_fail_allocation(long number, int lasting, int here) {
  mode = kNever;
  thread = pthread_self();
  only_one_thread = here != 0;
  failing = number;
  allocations = 0;
  mode = number == 0 ? kNever : lasting != 0 ? kFromThenOn : kOnce;
}

// The number of allocations since the last call of aiointerpreters_fail_allocation.
__attribute__((visibility("default"))) long aiointerpreters_allocations() { return allocations; }

}  // extern "C"

void* operator new(std::size_t size) {
  void* const block = must_fail() ? nullptr : __real_malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return must_fail() ? nullptr : __real_malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t& nothrow) noexcept { return operator new(size, nothrow); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  void* block = nullptr;
  if (must_fail() || posix_memalign(&block, static_cast<std::size_t>(alignment), size) != 0) throw std::bad_alloc();
  return block;
}
void* operator new[](std::size_t size, std::align_val_t alignment) { return operator new(size, alignment); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
