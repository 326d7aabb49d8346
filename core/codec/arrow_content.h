// The content of an Arrow stream, and how others read it: as often as they like, each reader by its own stream. Nothing is
// copied: the arrays that readers get refer to the same buffers, and keep the content's owner. Plain C++.
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
  // Tells the library that it comes from to release it.
  ~Content();

  // Takes everything in the stream; the caller still has to release the stream. Calls the library that made it. Returns
  // false if that fails. Errors: std::bad_alloc.
  [[nodiscard]] bool take(Stream& stream);
};

// The columns of a table, each a content of its own, so that keeping one of them does not keep the others. Empty if the
// content is not a table, or has more than its columns. The rest of the table is released. Errors: std::bad_alloc.
[[nodiscard]] std::vector<std::unique_ptr<Content>> split_table(std::unique_ptr<Content> table);

// Makes `out` a stream of the content. `owner` owns the content, and all arrays that are read keep it. Errors:
// std::bad_alloc.
void stream_content(const Content& content, base::IntrusivePtr<base::Counted> owner, Stream& out);

}  // namespace aiointerpreters::codec::arrow
