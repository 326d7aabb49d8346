// What a stream of Arrow's had in it, and how it is read by others: as often as they like, each by a stream of his own.
// Nothing is copied: what is handed on refers to the same buffers, and keeps the content's owner. Plain C++.
// Thread: any. The streams of a content may be used at the same time.
#pragma once

#include <memory>
#include <vector>

#include "base/intrusive.h"
#include "codec/arrow_data.h"

namespace aiointerpreters::codec::arrow {

struct Content {
  Schema schema{};
  std::vector<Array> chunks;

  Content() = default;
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  // Tells the library that it is from to release it.
  ~Content();

  // Takes all that is in the stream; it is the caller's to release. Calls the library that made it.
  // Returns false if that fails.
  // Errors: std::bad_alloc.
  [[nodiscard]] bool take(Stream& stream);
};

// The columns of a table, each a content of its own: whoever keeps one of them does not keep the others. Empty, if the
// content is no table, or has more than its columns. The rest of the table is released. Errors: std::bad_alloc.
[[nodiscard]] std::vector<std::unique_ptr<Content>> split_table(std::unique_ptr<Content> table);

// Makes `out` a stream of the content. `owner` has it; it is kept by all that is read. Errors: std::bad_alloc.
void stream_content(const Content& content, base::IntrusivePtr<base::Counted> owner, Stream& out);

}  // namespace aiointerpreters::codec::arrow
