// See layout.h.
#include "codec/layout.h"

#include <atomic>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"

namespace aiointerpreters::codec {

namespace {

struct All {
  base::Mutex mutex;
  std::unordered_multimap<std::size_t, Layouts::Number> by_hash AIOI_GUARDED_BY(mutex);
  Layouts::Number count AIOI_GUARDED_BY(mutex) = 0;
  std::size_t names AIOI_GUARDED_BY(mutex) = 0;
  std::atomic<const Layout*> layouts[Layouts::kMax] = {};
};

// Never destroyed, because threads may still use it after the end of main.
All& all() {
  static All* const made = std::make_unique<All>().release();
  return *made;
}

std::size_t hash_of(const Layout& layout) {
  const std::hash<std::string> hash;
  std::size_t mixed = hash(layout.module) * 31 + hash(layout.qualname);
  for (const std::string& name : layout.names) mixed = mixed * 31 + hash(name);
  return mixed;
}

}  // namespace

Layouts::Number Layouts::number_of(Layout layout) {
  const std::size_t hash = hash_of(layout);
  auto made = std::make_unique<Layout>(std::move(layout));
  All& known = all();
  const base::Lock lock(known.mutex);
  const auto [first, last] = known.by_hash.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    if (*find(at->second) == *made) return at->second;
  }
  constexpr std::size_t kLargest = 512;
  if (known.count == kMax || made->names.size() > kLargest || known.names + made->names.size() > kNamesMax) return kNone;
  known.names += made->names.size();
  known.by_hash.emplace(hash, known.count);
  // release: a thread that learns the number may read the layout.
  known.layouts[known.count].store(made.release(), std::memory_order_release);
  return known.count++;
}

const Layout* Layouts::find(std::size_t number) noexcept {
  return number < kMax ? all().layouts[number].load(std::memory_order_acquire) : nullptr;
}

}  // namespace aiointerpreters::codec
