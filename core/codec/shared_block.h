// SharedBlock: memory that several interpreters may see at once, and the description that a memoryview has of it (PEP 3118).
//
// Either the process owns it, or it was an array's (array_memory.h), or it is lent. If it is lent, an exporter of one
// interpreter stays alive, and locked against resizing, until the block is gone. Only memory that outlives every reader is
// lent: the memory of a sender that waits for the answer (docs/design/ownership.md). Concurrent writes are ordered only by
// the readers' own agreement.
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
  // The memory of the object on loan. It stays in place until the loan is back.
  explicit SharedBlock(Loan loan) noexcept : loan_(std::move(loan)) {}

  // The process's memory; null if the block belongs to another owner, because views know where they start.
  [[nodiscard]] unsigned char* data() const noexcept { return data_; }
  // Whether it is memory of that lessor's interpreter.
  [[nodiscard]] bool lent_by(const LessorPtr& lessor) const noexcept { return loan_ && loan_.is_of(lessor); }

 protected:
  SharedBlock() noexcept = default;

 private:
  Loan loan_;
  base::Memory memory_;
  unsigned char* data_ = nullptr;  // in there, aligned for vector instructions
};
using BlockPtr = base::IntrusivePtr<SharedBlock>;

// The part of a block that a view shows. Plain data.
struct Geometry {
  void* start = nullptr;
  std::ptrdiff_t size = 0;  // bytes: product of shape and item_size
  std::ptrdiff_t item_size = 1;
  bool readonly = false;
  std::string format = "B";  // of the struct module
  // As in Py_buffer; each has an entry per dimension, `suboffsets` may also be empty.
  std::vector<std::ptrdiff_t> shape;
  std::vector<std::ptrdiff_t> strides;
  std::vector<std::ptrdiff_t> suboffsets;
};

struct BlockView {
  BlockPtr block;
  Geometry geometry;
  // It is an ArrayBlock of the sending interpreter, whose array may still be used there: to be settled (attachment.h).
  bool is_own = false;
};

// The bytes between the first and the last one that a view shows, and the place among them at which its first element
// begins.
struct Extent {
  char* begin;
  std::ptrdiff_t size;
  std::ptrdiff_t first;
};
// Requires: the view has an element, and no suboffsets.
[[nodiscard]] Extent extent_of(const Geometry& geometry) noexcept;

}  // namespace aiointerpreters::codec
