// See arrow_copy.h.
#include "codec/arrow_copy.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "codec/arrow_layout.h"

namespace aiointerpreters::codec::arrow {

namespace {

// ---- Schemas

struct SchemaCopy {
  std::string format;
  std::string name;
  std::string metadata;
  std::vector<Schema> children;
  std::vector<Schema*> pointers;
  Schema dictionary{};
};

// The size of metadata: a count, then that many pairs of texts. A length precedes each text. Count and lengths are 32-bit
// numbers.
std::size_t size_of_metadata(const char* metadata) noexcept {
  const auto read = [metadata](std::size_t at) {
    std::int32_t number = 0;
    std::memcpy(&number, metadata + at, sizeof number);
    return static_cast<std::size_t>(number);
  };
  std::size_t size = sizeof(std::int32_t);
  for (std::size_t texts = 2 * read(0); texts != 0; --texts) size += sizeof(std::int32_t) + read(size);
  return size;
}

// After an error, `out` is filled in part, and the caller must release it.
void copy_schema(const Schema& from, Schema& out) {
  const auto children = static_cast<std::size_t>(from.n_children);
  out.private_data = std::make_unique<SchemaCopy>().release();
  out.release = release_held<SchemaCopy, Schema>;
  SchemaCopy& copy = *static_cast<SchemaCopy*>(out.private_data);
  copy.format = from.format;
  copy.name = from.name == nullptr ? "" : from.name;
  if (from.metadata != nullptr) copy.metadata.assign(from.metadata, size_of_metadata(from.metadata));
  copy.children.resize(children);
  for (std::size_t i = 0; i < children; ++i) {
    copy_schema(*from.children[i], copy.children[i]);
    copy.pointers.push_back(&copy.children[i]);
  }
  if (from.dictionary != nullptr) copy_schema(*from.dictionary, copy.dictionary);
  out.format = copy.format.c_str();
  out.name = from.name == nullptr ? nullptr : copy.name.c_str();
  out.metadata = from.metadata == nullptr ? nullptr : copy.metadata.data();
  out.flags = from.flags;
  out.n_children = from.n_children;
  out.children = copy.pointers.data();
  out.dictionary = from.dictionary == nullptr ? nullptr : &copy.dictionary;
}

// ---- Arrays

struct ArrayCopy {
  std::vector<base::Memory> memory;
  std::vector<const void*> buffers;
  std::vector<Array> children;
  std::vector<Array*> pointers;
  Array dictionary{};

  // A new buffer of `size` bytes.
  unsigned char* add(std::size_t size) {
    buffers.reserve(buffers.size() + 1);
    memory.push_back(base::Memory::uninitialized(size));
    buffers.push_back(memory.back().data());
    return memory.back().data();
  }
  void add_copy(const void* from, std::size_t size) {
    unsigned char* const to = add(size);
    if (size != 0) std::memcpy(to, from, size);
  }
};

// The rows to copy from an array, counted from the beginning of its buffers.
struct Rows {
  std::size_t begin;
  std::size_t count;
};

const unsigned char* bytes_of(const Array& array, std::size_t buffer) noexcept {
  return static_cast<const unsigned char*>(array.buffers[buffer]);
}

template <typename Number>
Number number_at(const Array& array, std::size_t buffer, std::size_t index) noexcept {
  Number number = 0;
  std::memcpy(&number, bytes_of(array, buffer) + index * sizeof number, sizeof number);
  return number;
}

bool bit_at(const unsigned char* bits, std::size_t index) noexcept { return (bits[index / 8] >> (index % 8) & 1U) != 0; }

void copy_bits(const unsigned char* from, Rows rows, ArrayCopy& copy) {
  const std::size_t size = (rows.count + 7) / 8;
  if (rows.begin % 8 == 0) return copy.add_copy(from + rows.begin / 8, size);
  unsigned char* const to = copy.add(size);
  std::memset(to, 0, size);
  for (std::size_t i = 0; i < rows.count; ++i) {
    if (bit_at(from, rows.begin + i)) to[i / 8] = static_cast<unsigned char>(to[i / 8] | 1U << (i % 8));
  }
}

void copy_validity(const Array& from, Rows rows, ArrayCopy& copy) {
  if (from.buffers[0] != nullptr) return copy_bits(bytes_of(from, 0), rows, copy);
  copy.buffers.push_back(nullptr);
}

// Copies the offsets of some rows, starting from zero. Returns the range of values of these rows.
template <typename Offset>
Rows copy_offsets(const Array& from, Rows rows, ArrayCopy& copy) {
  unsigned char* const to = copy.add((rows.count + 1) * sizeof(Offset));
  const Offset first = rows.count == 0 ? 0 : number_at<Offset>(from, 1, rows.begin);
  Offset last = 0;
  for (std::size_t i = 0; i <= rows.count; ++i) {
    last = rows.count == 0 ? 0 : static_cast<Offset>(number_at<Offset>(from, 1, rows.begin + i) - first);
    std::memcpy(to + i * sizeof last, &last, sizeof last);
  }
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(last)};
}

template <typename Offset>
void copy_bytes(const Array& from, Rows rows, ArrayCopy& copy) {
  const Rows bytes = copy_offsets<Offset>(from, rows, copy);
  copy.add_copy(bytes.count == 0 ? nullptr : bytes_of(from, 2) + bytes.begin, bytes.count);
}

// Text or bytes: a short value is inline, a long one has a buffer and an offset.
struct View {
  static constexpr std::int32_t kShort = 12;
  std::int32_t size;
  std::int32_t prefix;
  std::int32_t buffer;
  std::int32_t offset;
};
static_assert(sizeof(View) == 16);

// The buffers for the bytes that views refer to. Offsets have 31 bits.
class ViewedBytes {
 public:
  // Assigns a place to the bytes of a view. `allocate` reserves the memory.
  void place(View& view) {
    if (sizes_.empty() || sizes_.back() > kMost - static_cast<std::size_t>(view.size)) sizes_.push_back(0);
    view.buffer = static_cast<std::int32_t>(sizes_.size() - 1);
    view.offset = static_cast<std::int32_t>(sizes_.back());
    sizes_.back() += static_cast<std::size_t>(view.size);
  }
  void allocate(ArrayCopy& copy) {
    for (const std::size_t size : sizes_) buffers_.push_back(copy.add(size));
  }
  [[nodiscard]] unsigned char* at(const View& view) const noexcept {
    return buffers_[static_cast<std::size_t>(view.buffer)] + view.offset;
  }
  [[nodiscard]] const std::vector<std::size_t>& sizes() const noexcept { return sizes_; }

 private:
  static constexpr std::size_t kMost = 0x7fffffff;
  std::vector<std::size_t> sizes_;
  std::vector<unsigned char*> buffers_;
};

void add_sizes(const std::vector<std::size_t>& sizes, ArrayCopy& copy) {
  std::vector<std::int64_t> numbers(sizes.begin(), sizes.end());
  copy.add_copy(numbers.data(), numbers.size() * sizeof(std::int64_t));
}

// The views of some rows. Views of missing rows are cleared, because they may refer to anything.
std::vector<View> views_of(const Array& from, Rows rows) {
  std::vector<View> views(rows.count);
  if (rows.count != 0) std::memcpy(views.data(), bytes_of(from, 1) + rows.begin * sizeof(View), rows.count * sizeof(View));
  if (from.buffers[0] == nullptr) return views;
  for (std::size_t i = 0; i < rows.count; ++i) {
    if (!bit_at(bytes_of(from, 0), rows.begin + i)) views[i] = {};
  }
  return views;
}

// Copies the bytes of the views one after the other, or all buffers unchanged if that is less: many views may refer to the
// same bytes.
void copy_views(const Array& from, Rows rows, ArrayCopy& copy) {
  constexpr std::size_t kFirst = 2;
  const auto buffers = static_cast<std::size_t>(from.n_buffers) - kFirst - 1;
  std::vector<std::size_t> all(buffers);
  std::size_t size_of_all = 0;
  for (std::size_t i = 0; i < buffers; ++i) {
    all[i] = static_cast<std::size_t>(number_at<std::int64_t>(from, kFirst + buffers, i));
    size_of_all += all[i];
  }
  const std::vector<View> old_views = views_of(from, rows);
  std::vector<View> new_views = old_views;
  ViewedBytes together;
  std::size_t size_together = 0;
  for (View& view : new_views) {
    if (view.size <= View::kShort) continue;
    together.place(view);
    size_together += static_cast<std::size_t>(view.size);
  }
  const bool is_put_together = size_together < size_of_all;
  copy.add_copy((is_put_together ? new_views : old_views).data(), rows.count * sizeof(View));
  if (!is_put_together) {
    for (std::size_t i = 0; i < buffers; ++i) copy.add_copy(from.buffers[kFirst + i], all[i]);
    return add_sizes(all, copy);
  }
  together.allocate(copy);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const View& view = old_views[i];
    if (view.size <= View::kShort) continue;
    const unsigned char* const bytes = bytes_of(from, kFirst + static_cast<std::size_t>(view.buffer)) + view.offset;
    std::memcpy(together.at(new_views[i]), bytes, static_cast<std::size_t>(view.size));
  }
  add_sizes(together.sizes(), copy);
}

// The number of missing rows. Readers may rely on it.
std::int64_t missing_in(const ArrayCopy& copy, std::size_t rows) noexcept {
  if (copy.buffers.empty()) return static_cast<std::int64_t>(rows);
  const auto* const validity = static_cast<const unsigned char*>(copy.buffers.front());
  if (validity == nullptr) return 0;
  std::int64_t missing = 0;
  for (std::size_t i = 0; i < rows; ++i) missing += bit_at(validity, i) ? 0 : 1;
  return missing;
}

bool copy_array(const Schema& schema, const Array& from, Rows rows, Array& out);

bool copy_child(std::size_t index, const Schema& schema, const Array& from, Rows rows, ArrayCopy& copy) {
  const Array& child = *from.children[index];
  return copy_array(*schema.children[index], child, {static_cast<std::size_t>(child.offset) + rows.begin, rows.count},
                    copy.children[index]);
}

bool copy_parts(const Schema& schema, const Array& from, Rows rows, ArrayCopy& copy) {
  const Layout layout = layout_of(schema, from);
  const auto width = static_cast<std::size_t>(layout.width);
  if (layout.kind == Kind::kUnknown) return false;
  if (layout.kind == Kind::kNothing) return true;
  copy_validity(from, rows, copy);
  switch (layout.kind) {
    case Kind::kBits:
      copy_bits(bytes_of(from, 1), rows, copy);
      return true;
    case Kind::kNumbers:
      copy.add_copy(rows.count == 0 ? nullptr : bytes_of(from, 1) + rows.begin * width, rows.count * width);
      return true;
    case Kind::kBytes32:
      copy_bytes<std::int32_t>(from, rows, copy);
      return true;
    case Kind::kBytes64:
      copy_bytes<std::int64_t>(from, rows, copy);
      return true;
    case Kind::kViews:
      copy_views(from, rows, copy);
      return true;
    case Kind::kList32:
      return copy_child(0, schema, from, copy_offsets<std::int32_t>(from, rows, copy), copy);
    case Kind::kList64:
      return copy_child(0, schema, from, copy_offsets<std::int64_t>(from, rows, copy), copy);
    case Kind::kFixedLists:
      return copy_child(0, schema, from, {rows.begin * width, rows.count * width}, copy);
    case Kind::kStructure:
      for (std::size_t i = 0; i < copy.children.size(); ++i) {
        if (!copy_child(i, schema, from, rows, copy)) return false;
      }
      return true;
    case Kind::kUnknown:
    case Kind::kNothing:
      break;
  }
  return true;
}

// After an error or at an unknown layout, `out` is filled in part, and the caller must release it.
bool copy_array(const Schema& schema, const Array& from, Rows rows, Array& out) {
  out.private_data = std::make_unique<ArrayCopy>().release();
  out.release = release_held<ArrayCopy, Array>;
  ArrayCopy& copy = *static_cast<ArrayCopy*>(out.private_data);
  copy.children.resize(static_cast<std::size_t>(from.n_children));
  for (Array& child : copy.children) copy.pointers.push_back(&child);
  if (!copy_parts(schema, from, rows, copy)) return false;
  if (from.dictionary != nullptr) {
    const Array& words = *from.dictionary;
    const Rows all{static_cast<std::size_t>(words.offset), static_cast<std::size_t>(words.length)};
    if (!copy_array(*schema.dictionary, words, all, copy.dictionary)) return false;
    out.dictionary = &copy.dictionary;
  }
  out.length = static_cast<std::int64_t>(rows.count);
  out.null_count = missing_in(copy, rows.count);
  out.n_buffers = static_cast<std::int64_t>(copy.buffers.size());
  out.n_children = from.n_children;
  out.buffers = copy.buffers.data();
  out.children = copy.pointers.data();
  return true;
}

}  // namespace

std::unique_ptr<Content> copy_content(const Content& content) {
  auto copy = std::make_unique<Content>();
  copy_schema(content.schema, copy->schema);
  copy->chunks.reserve(content.chunks.size());
  for (const Array& chunk : content.chunks) {
    const Rows all{static_cast<std::size_t>(chunk.offset), static_cast<std::size_t>(chunk.length)};
    if (!copy_array(content.schema, chunk, all, copy->chunks.emplace_back())) return nullptr;
  }
  return copy;
}

}  // namespace aiointerpreters::codec::arrow
