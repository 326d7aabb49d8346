// How to read the buffers of an Arrow array, according to its format (Apache Arrow's specification, "The Arrow C data
// interface", "Data type description"). Plain C++.
#pragma once

#include <cstdint>

#include "codec/arrow_data.h"

namespace aiointerpreters::codec::arrow {

enum class Kind : std::uint8_t {
  kUnknown,
  kNothing,     // no buffers: each row is missing
  kBits,        // validity, a bit for each row
  kNumbers,     // validity, `width` bytes for each row
  kBytes32,     // validity, offsets, bytes
  kBytes64,     // the same, with larger offsets
  kViews,       // validity, views, any number of buffers of bytes, their sizes
  kList32,      // validity, offsets; the values are the child
  kList64,      // the same, with larger offsets
  kFixedLists,  // validity; `width` values of the child for each row
  kStructure,   // validity; a child for each field
};

struct Layout {
  Kind kind = Kind::kUnknown;
  std::int64_t width = 0;
};

// The layout for a format. It is unknown if the schema or the array does not have the buffers and children that the layout
// requires, or if only one of them has a dictionary.
[[nodiscard]] Layout layout_of(const Schema& schema, const Array& array) noexcept;

}  // namespace aiointerpreters::codec::arrow
