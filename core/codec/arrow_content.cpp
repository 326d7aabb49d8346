// See arrow_content.h.
#include "codec/arrow_content.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace aiointerpreters::codec::arrow {

namespace {

using Owner = base::IntrusivePtr<base::Counted>;

// The private data of a copy of a Schema or Array. Readers may move its children elsewhere, so each child keeps the owner
// too.
template <typename Data>
struct Node {
  Owner owner;
  std::vector<Data> children;
  std::vector<Data*> pointers;
  Data dictionary{};
};

// Makes `out` equal to `from`, which still belongs to the content. Errors: std::bad_alloc, `out` is unchanged.
template <typename Data>
void share(const Data& from, const Owner& owner, Data& out) {
  const auto children = static_cast<std::size_t>(from.n_children);
  auto node = std::make_unique<Node<Data>>();
  node->owner = owner;
  node->children.resize(children);
  node->pointers.resize(children);
  try {
    for (std::size_t i = 0; i < children; ++i) {
      share(*from.children[i], owner, node->children[i]);
      node->pointers[i] = &node->children[i];
    }
    if (from.dictionary != nullptr) share(*from.dictionary, owner, node->dictionary);
  } catch (const std::bad_alloc&) {
    for (Data& child : node->children) release(child);
    throw;
  }
  out = from;
  out.children = children == 0 ? nullptr : node->pointers.data();
  out.dictionary = from.dictionary == nullptr ? nullptr : &node->dictionary;
  out.release = release_held<Node<Data>, Data>;
  out.private_data = node.release();
}

template <typename Data>
int shared_or_no_memory(const Data& from, const Owner& owner, Data& out) noexcept {
  try {
    share(from, owner, out);
    return 0;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
}

// A reader of a content, and its position.
struct Reader {
  const Content& content;
  Owner owner;
  std::size_t next = 0;
};

Reader& reader_of(Stream* stream) noexcept { return *static_cast<Reader*>(stream->private_data); }

int read_schema(Stream* stream, Schema* out) noexcept {
  const Reader& reader = reader_of(stream);
  return shared_or_no_memory(reader.content.schema, reader.owner, *out);
}

int read_next(Stream* stream, Array* out) noexcept {
  Reader& reader = reader_of(stream);
  *out = {};
  if (reader.next == reader.content.chunks.size()) return 0;
  const int error = shared_or_no_memory(reader.content.chunks[reader.next], reader.owner, *out);
  if (error == 0) ++reader.next;
  return error;
}

// The only possible error.
const char* last_error(Stream*) noexcept { return "out of memory"; }

void release_reader(Stream* stream) noexcept {
  const std::unique_ptr<Reader> reader(&reader_of(stream));
  stream->release = nullptr;
}

// A table is a structure without missing rows. Its columns can be moved elsewhere if each of them is exposed completely.
bool is_plain_table(const Content& content) noexcept {
  const Schema& schema = content.schema;
  return std::string_view(schema.format) == "+s" && std::ranges::all_of(content.chunks, [&schema](const Array& chunk) {
           return chunk.n_children == schema.n_children && chunk.offset == 0 && chunk.n_buffers == 1 &&
                  chunk.buffers[0] == nullptr &&
                  std::all_of(chunk.children, chunk.children + chunk.n_children,
                              [&chunk](const Array* child) { return child->length == chunk.length; });
         });
}

}  // namespace

Content::~Content() {
  for (Array& chunk : chunks) release(chunk);
  release(schema);
}

bool Content::take(Stream& stream) {
  if (stream.get_schema(&stream, &schema) != 0) return false;
  for (;;) {
    Array& chunk = chunks.emplace_back();
    if (stream.get_next(&stream, &chunk) != 0) return false;
    if (chunk.release != nullptr) continue;
    chunks.pop_back();
    return true;
  }
}

std::vector<std::unique_ptr<Content>> split_table(std::unique_ptr<Content> table) {
  if (!is_plain_table(*table)) return {};
  std::vector<std::unique_ptr<Content>> columns(static_cast<std::size_t>(table->schema.n_children));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i] = std::make_unique<Content>();
    columns[i]->chunks.reserve(table->chunks.size());
    columns[i]->schema = std::exchange(*table->schema.children[i], {});
    for (Array& chunk : table->chunks) columns[i]->chunks.push_back(std::exchange(*chunk.children[i], {}));
  }
  return columns;
}

void stream_content(const Content& content, Owner owner, Stream& out) {
  auto reader = std::make_unique<Reader>(Reader{content, std::move(owner)});
  out = {read_schema, read_next, last_error, release_reader, reader.release()};
}

}  // namespace aiointerpreters::codec::arrow
