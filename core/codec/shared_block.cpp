// See shared_block.h.
#include "codec/shared_block.h"

#include <memory>
#include <new>

namespace aiointerpreters::codec {

SharedBlock::SharedBlock(std::size_t size) {
  constexpr std::size_t kAlignment = 64;
  std::size_t space = size + kAlignment;
  if (space < size) throw std::bad_alloc();
  memory_ = base::Memory::zeroed(space);
  void* aligned = memory_.data();
  data_ = static_cast<unsigned char*>(std::align(kAlignment, size, aligned, space));
}

Extent extent_of(const Geometry& geometry) noexcept {
  std::ptrdiff_t below = 0;
  std::ptrdiff_t above = geometry.item_size;
  for (std::size_t i = 0; i < geometry.shape.size(); ++i) {
    const std::ptrdiff_t last = geometry.strides[i] * (geometry.shape[i] - 1);
    (last < 0 ? below : above) += last;
  }
  return {static_cast<char*>(geometry.start) + below, above - below, -below};
}

}  // namespace aiointerpreters::codec
