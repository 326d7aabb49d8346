// The native format, byte by byte; docs/design/codec_format.md describes it in prose. Plain data. Thread: any.
//
// A message never leaves its process, so there is no version, and numbers have the machine's layout (little-endian). A
// count or a length is a varint (LEB128, 7 bits a byte). A header is the varint (count << 1 | shared). The header of a
// shared object takes the next memo index, before its content is read. kReference names the object by that index.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace aiointerpreters::codec {

static_assert(std::endian::native == std::endian::little, "the codec copies integers as they are");

enum Tag : unsigned char {
  // Containers: header, then the elements. A dict's elements are key, value, key, value. All container tags are below
  // kFirstLeaf, except kRecord and kInstance.
  kList = 0x00,
  kTuple = 0x01,
  kDict = 0x02,
  kSet = 0x03,
  kFrozenset = 0x04,
  kFirstLeaf = 0x05,

  // Runs, only as elements of a list or tuple: a byte for the count, at least 1, then that many values of one width.
  kInt8Run = 0x05,
  kInt16Run = 0x06,
  kInt32Run = 0x07,
  kInt64Run = 0x08,
  kFloatRun = 0x09,
  kLastRun = 0x09,

  kNone = 0x0A,
  kTrue = 0x0B,
  kFalse = 0x0C,
  kEllipsis = 0x0D,
  kNotImplemented = 0x0E,

  kInt16 = 0x0F,  // two's complement, as all integers
  kInt32 = 0x10,
  kInt64 = 0x11,
  kIntBig = 0x12,   // varint: number of bytes, then these bytes
  kFloat = 0x13,    // the 8 bytes of the double, NaN payload included
  kComplex = 0x14,  // header (count 0), real, imaginary
  kRange = 0x15,    // header (count 0), then start, stop, step, each an int
  kSlice = 0x16,    // header (count 0), then start, stop, step, each a leaf but not a range or slice

  kAscii = 0x17,      // header (characters), then one byte each
  kLatin1 = 0x18,     // the same, with at least one character above 127
  kUcs2 = 0x19,       // header (characters), then 2 bytes each; lone surrogates are allowed
  kUcs4 = 0x1A,       // header (characters), then 4 bytes each
  kBytes = 0x1B,      // header (bytes), then these
  kByteArray = 0x1C,  // header (bytes), then these
  kReference = 0x1D,  // varint: memo index

  kAttachment = 0x1E,  // varint: index among the message's attachments
  kPart = 0x1F,        // varint: index among the objects in the message's pickle

  // A dict with the same keys as an earlier one: varint (shape << 1 | shared), then the values. If the shape has the next
  // unused number, its keys are written here, before the values: the number of keys as a varint, at least 1, and the keys,
  // each a str.
  kRecord = 0x20,

  // An instance of a class, a container: varint (layout << 1 | shared), then one value for each name of the layout.
  // `layout` is an index in the list at the end of the message. Values of slots may be written in runs.
  kInstance = 0x21,

  // 0x22 to 0x3F: reserved.

  kShortAscii = 0x40,        // + length 0 to 31, then the characters; not shared
  kShortAsciiShared = 0x60,  // + length 0 to 31, then the characters; shared

  kSmallInt = 0x80,  // + (value + kSmallIntBias): the value itself, -16 to 111
};

[[nodiscard]] constexpr bool is_container(unsigned char tag) noexcept {
  return tag < kFirstLeaf || tag == kRecord || tag == kInstance;
}

inline constexpr int kSmallIntBias = 16;
inline constexpr int kSmallIntMin = -16;
inline constexpr int kSmallIntMax = 111;
inline constexpr std::size_t kShortAsciiMax = 31;
inline constexpr std::size_t kRunMin = 4;  // shorter runs are written value by value
inline constexpr std::size_t kRunMax = 255;
inline constexpr std::size_t kVarintMax = 10;
inline constexpr std::size_t kShapeMax = 16;  // dicts with more keys are written in full

// CPython hashes tuples and frozensets in a key by recursion in C. Deeper nesting is a RecursionError here.
inline constexpr std::uint32_t kKeyDepthMax = 10'000;

// A mixed message: the native bytes, the pickle of a list of two lists of parts (parts.h), the length of the native bytes
// in 8 bytes.

// A message with instances: the native bytes, the number of each layout (layout.h) in 4 bytes, the count of these in 4
// bytes.

// The content of a call: varint (positional arguments << 1 | has keywords), the tuple of the names as a value if there are
// keywords, then all values, with one memo. A call without arguments is the single byte 0.

}  // namespace aiointerpreters::codec
