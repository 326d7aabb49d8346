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

}  // namespace aiointerpreters::codec
