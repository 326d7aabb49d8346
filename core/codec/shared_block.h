// SharedBlock: memory that several interpreters may see at once, and its description as a memoryview has it (PEP 3118).
//
// The process owns the memory, or it was an array's (array_memory.h), or it is lent. If it is lent, an exporter of one
// interpreter stays alive, and cannot be resized, until the block is gone. Memory is lent only if it outlives every reader:
// memory of a sender that waits for the answer (docs/design/ownership.md). Nothing orders concurrent writes; the readers
// have to agree among themselves.
// Owner: shared by exporters (exporter.h) and messages. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/intrusive.h"
#include "base/memory.h"
#include "codec/lessor.h"

namespace aiointerpreters::codec {

class SharedBlock : public base::Counted {
 public:
  // Zeroed memory of the process. Errors: std::bad_alloc.
  explicit SharedBlock(std::size_t size);
  // The memory of an object on loan. It stays in place until the loan is back.
  explicit SharedBlock(Loan loan) noexcept : loan_(std::move(loan)) {}

  // The process's memory; null if the block has another owner. Views know where they start.
  [[nodiscard]] unsigned char* data() const noexcept { return data_; }
  // Whether it is memory of that lessor's interpreter.
  [[nodiscard]] bool lent_by(const LessorPtr& lessor) const noexcept { return loan_ && loan_.is_of(lessor); }

 protected:
  SharedBlock() noexcept = default;

 private:
  Loan loan_;
  base::Memory memory_;
  unsigned char* data_ = nullptr;  // in the memory above, aligned for vector instructions
};
using BlockPtr = base::IntrusivePtr<SharedBlock>;

// The part of a block that a view exposes. Plain data.
struct Geometry {
  void* start = nullptr;
  std::ptrdiff_t size = 0;  // bytes: product of shape and item_size
  std::ptrdiff_t item_size = 1;
  bool readonly = false;
  std::string format = "B";  // in the syntax of the module struct
  // As in Py_buffer, with one entry for each dimension. `suboffsets` may also be empty.
  std::vector<std::ptrdiff_t> shape;
  std::vector<std::ptrdiff_t> strides;
  std::vector<std::ptrdiff_t> suboffsets;
};

struct BlockView {
  BlockPtr block;
  Geometry geometry;
  // It is an ArrayBlock of the sending interpreter, and an array there may still use it, so it has to be settled
  // (attachment.h).
  bool is_own = false;
};

// The bytes from the first to the last one that a view exposes, and the offset of its first element among them.
struct Extent {
  char* begin;
  std::ptrdiff_t size;
  std::ptrdiff_t first;
};
// Requires: the view has an element, and no suboffsets.
[[nodiscard]] Extent extent_of(const Geometry& geometry) noexcept;

}  // namespace aiointerpreters::codec
