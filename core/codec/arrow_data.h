// Arrow's C data interface and C stream interface: structures by which libraries pass columns of data to each other inside
// a process (Apache Arrow's specification, "The Arrow C data interface" and "The Arrow C stream interface"). Plain data;
// the field names come from the specification. The owner of a structure finally calls `release`, once. A structure with a
// null `release` has been released or moved.
#pragma once

#include <cstdint>
#include <memory>

namespace aiointerpreters::codec::arrow {

struct Schema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  Schema** children;
  Schema* dictionary;
  void (*release)(Schema*);
  void* private_data;
};

struct Array {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  Array** children;
  Array* dictionary;
  void (*release)(Array*);
  void* private_data;
};

struct Stream {
  int (*get_schema)(Stream*, Schema*);
  int (*get_next)(Stream*, Array*);  // at the end it returns an array that is already released
  const char* (*get_last_error)(Stream*);
  void (*release)(Stream*);
  void* private_data;
};

// The name of a PyCapsule with a Stream (The Arrow PyCapsule interface).
inline constexpr char kStreamName[] = "arrow_array_stream";

// Releases it, unless it has been released.
template <typename Data>
void release(Data& data) noexcept {
  if (data.release != nullptr) data.release(&data);
  data.release = nullptr;
}

// The `release` of structures that we create: `private_data` is a `Held`, created by new, that owns the structure's
// `children` and `dictionary`.
template <typename Held, typename Data>
void release_held(Data* data) noexcept {
  const std::unique_ptr<Held> held(static_cast<Held*>(data->private_data));
  for (Data& child : held->children) release(child);
  release(held->dictionary);
  data->release = nullptr;
}

}  // namespace aiointerpreters::codec::arrow
