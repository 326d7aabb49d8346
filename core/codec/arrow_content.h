// The content of an Arrow stream. It can be read any number of times; each reader gets its own stream. Nothing is copied:
// the arrays that readers get refer to the same buffers and keep the content's owner alive. Plain C++.
// Thread: any. Several streams of one content may be used at the same time.
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
  // Makes the library that the content comes from release it.
  ~Content();

  // Takes everything in the stream; the caller still has to release the stream. Calls the library that created it. Returns
  // false if that fails. Errors: std::bad_alloc.
  [[nodiscard]] bool take(Stream& stream);
};

// Splits a table into columns, each with its own content, so that keeping one column does not keep the others. Empty if the
// content is not a table, or if it has data besides its columns. The rest of the table is released. Errors: std::bad_alloc.
[[nodiscard]] std::vector<std::unique_ptr<Content>> split_table(std::unique_ptr<Content> table);

// Makes `out` a stream of the content. `owner` owns the content. All arrays that are read keep `owner` alive. Errors:
// std::bad_alloc.
void stream_content(const Content& content, base::IntrusivePtr<base::Counted> owner, Stream& out);

}  // namespace aiointerpreters::codec::arrow
