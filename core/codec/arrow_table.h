// ArrowTable: columns of data that a library has exported by Arrow's C stream interface, on their way to other interpreters.
// Owner: shared by messages, Python objects (arrow_stream.h) and everything that has been read from it. Thread: any.
#pragma once

#include <memory>
#include <utility>

#include "base/intrusive.h"
#include "codec/arrow_content.h"
#include "codec/lessor.h"

namespace aiointerpreters::codec {

class ArrowTable final : public base::Counted {
 public:
  // The last owner makes the library release the content.
  explicit ArrowTable(std::unique_ptr<arrow::Content> content) noexcept : own_(std::move(content)), content_(*own_) {}
  // The table of an object on loan. Its owner drops that object, and the library then releases the content there.
  ArrowTable(const ArrowTable& lent, Loan loan) noexcept : content_(lent.content_), loan_(std::move(loan)) {}

  [[nodiscard]] const arrow::Content& content() const noexcept { return content_; }

 private:
  const std::unique_ptr<arrow::Content> own_;  // null: lent
  const arrow::Content& content_;
  const Loan loan_;
};
using ArrowTablePtr = base::IntrusivePtr<ArrowTable>;

}  // namespace aiointerpreters::codec
