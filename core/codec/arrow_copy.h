// A copy of what a stream of Arrow's had in it, in memory of the process: no library is asked to release it. Plain C++.
// The layouts are those of Apache Arrow's specification ("Arrow columnar format"): numbers, bits, dates, decimals, text and
// bytes with offsets or as views, lists, structures, dictionaries.
// Thread: any.
#pragma once

#include <memory>

#include "codec/arrow_content.h"

namespace aiointerpreters::codec::arrow {

// Copies the rows that `content` shows, once. Returns null if there is a layout in it that is not known.
// Errors: std::bad_alloc.
[[nodiscard]] std::unique_ptr<Content> copy_content(const Content& content);

}  // namespace aiointerpreters::codec::arrow
