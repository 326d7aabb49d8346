// A copy of the content of an Arrow stream, in memory of the process, so that no library is asked to release it. Plain C++.
// The layouts are those of Apache Arrow's specification ("Arrow columnar format"): numbers, bits, dates, decimals, text and
// bytes with offsets or as views, lists, structures, dictionaries.
// Thread: any.
#pragma once

#include <memory>

#include "codec/arrow_content.h"

namespace aiointerpreters::codec::arrow {

// Copies the rows that `content` shows, once. Returns null if it contains an unknown layout. Errors: std::bad_alloc.
[[nodiscard]] std::unique_ptr<Content> copy_content(const Content& content);

}  // namespace aiointerpreters::codec::arrow
