// Copies the content of an Arrow stream into memory of the process, so that no library has to release it. Plain C++.
// Supports these layouts of Apache Arrow's specification ("Arrow columnar format"): numbers, bits, dates, decimals, text
// and bytes with offsets or as views, lists, structures, dictionaries.
// Thread: any.
#pragma once

#include <memory>

#include "codec/arrow_content.h"

namespace aiointerpreters::codec::arrow {

// Copies the rows of `content`, once. Returns null if it contains an unknown layout. Errors: std::bad_alloc.
[[nodiscard]] std::unique_ptr<Content> copy_content(const Content& content);

}  // namespace aiointerpreters::codec::arrow
