// arrow_copy.h: a copy has the rows that the original shows, whatever their layout, and does not need the original.
#include "codec/arrow_copy.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace aiointerpreters::codec::arrow {
namespace {

// Arrays that a test builds. They and the objects that they refer to live as long as this object.
class Original {
 public:
  Array array(std::int64_t length, std::int64_t offset, std::vector<const void*> buffers,
              std::vector<Array*> children = {}) {
    buffers_.push_back(std::make_unique<std::vector<const void*>>(std::move(buffers)));
    children_.push_back(std::make_unique<std::vector<Array*>>(std::move(children)));
    return {.length = length,
            .null_count = -1,
            .offset = offset,
            .n_buffers = static_cast<std::int64_t>(buffers_.back()->size()),
            .n_children = static_cast<std::int64_t>(children_.back()->size()),
            .buffers = buffers_.back()->data(),
            .children = children_.back()->data(),
            .dictionary = nullptr,
            .release = nothing<Array>,
            .private_data = nullptr};
  }
  Schema schema(const char* format, std::vector<Schema*> children = {}) {
    schemas_.push_back(std::make_unique<std::vector<Schema*>>(std::move(children)));
    return {.format = format,
            .name = "name",
            .metadata = nullptr,
            .flags = 2,
            .n_children = static_cast<std::int64_t>(schemas_.back()->size()),
            .children = schemas_.back()->data(),
            .dictionary = nullptr,
            .release = nothing<Schema>,
            .private_data = nullptr};
  }
  // Null if the layout is unknown.
  static std::unique_ptr<Content> copy(const Schema& schema, const Array& array) {
    Content content;
    content.schema = schema;
    content.chunks.push_back(array);
    return copy_content(content);
  }

 private:
  template <typename Data>
  static void nothing(Data* data) {
    data->release = nullptr;
  }
  std::vector<std::unique_ptr<std::vector<const void*>>> buffers_;
  std::vector<std::unique_ptr<std::vector<Array*>>> children_;
  std::vector<std::unique_ptr<std::vector<Schema*>>> schemas_;
};

template <typename Number>
std::vector<Number> numbers(const Array& array, std::size_t buffer, std::size_t count) {
  std::vector<Number> found(count);
  std::memcpy(found.data(), array.buffers[buffer], count * sizeof(Number));
  return found;
}

bool is_set(const Array& array, std::size_t buffer, std::size_t row) {
  return (static_cast<const unsigned char*>(array.buffers[buffer])[row / 8] >> (row % 8) & 1) != 0;
}

TEST(ArrowCopy, OfNumbersHasThePartThatIsShown) {
  Original original;
  std::vector<std::int32_t> values(100);
  std::iota(values.begin(), values.end(), 0);
  std::array<unsigned char, 13> validity{};
  for (int row = 0; row < 100; row += 3) validity[row / 8] |= static_cast<unsigned char>(1 << row % 8);
  const auto copy = original.copy(original.schema("i"), original.array(20, 11, {validity.data(), values.data()}));
  ASSERT_NE(copy, nullptr);
  const Array& array = copy->chunks[0];
  EXPECT_EQ(array.length, 20);
  EXPECT_EQ(array.offset, 0);
  values.assign(100, -1);
  const std::vector<std::int32_t> found = numbers<std::int32_t>(array, 1, 20);
  int missing = 0;
  for (int row = 0; row < 20; ++row) {
    EXPECT_EQ(found[row], row + 11);
    EXPECT_EQ(is_set(array, 0, row), (row + 11) % 3 == 0);
    missing += (row + 11) % 3 == 0 ? 0 : 1;
  }
  EXPECT_EQ(array.null_count, missing);
  EXPECT_STREQ(copy->schema.name, "name");
  EXPECT_EQ(copy->schema.flags, 2);
}

TEST(ArrowCopy, WithoutValidityNothingIsMissing) {
  Original original;
  const std::array<double, 4> values{1, 2, 3, 4};
  const auto copy = original.copy(original.schema("g"), original.array(3, 1, {nullptr, values.data()}));
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(copy->chunks[0].buffers[0], nullptr);
  EXPECT_EQ(copy->chunks[0].null_count, 0);
  EXPECT_EQ(numbers<double>(copy->chunks[0], 1, 3), (std::vector<double>{2, 3, 4}));
}

TEST(ArrowCopy, OfTextHasOnlyItsBytes) {
  Original original;
  const std::string bytes = "onetwothree";
  const std::array<std::int32_t, 4> offsets{0, 3, 6, 11};
  const auto copy = original.copy(original.schema("u"), original.array(2, 1, {nullptr, offsets.data(), bytes.data()}));
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(numbers<std::int32_t>(copy->chunks[0], 1, 3), (std::vector<std::int32_t>{0, 3, 8}));
  EXPECT_EQ(std::string(static_cast<const char*>(copy->chunks[0].buffers[2]), 8), "twothree");
}

TEST(ArrowCopy, OfNoRowsHasAnOffset) {
  Original original;
  const auto copy = original.copy(original.schema("U"), original.array(0, 0, {nullptr, nullptr, nullptr}));
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(numbers<std::int64_t>(copy->chunks[0], 1, 1), std::vector<std::int64_t>{0});
}

TEST(ArrowCopy, OfListsHasThePartOfTheirValues) {
  Original original;
  const std::array<std::int16_t, 6> values{10, 11, 12, 13, 14, 15};
  const std::array<std::int64_t, 5> offsets{0, 1, 3, 3, 5};
  Array child = original.array(5, 1, {nullptr, values.data()});
  Schema child_schema = original.schema("s");
  const auto copy =
      original.copy(original.schema("+L", {&child_schema}), original.array(3, 1, {nullptr, offsets.data()}, {&child}));
  ASSERT_NE(copy, nullptr);
  const Array& lists = copy->chunks[0];
  EXPECT_EQ(numbers<std::int64_t>(lists, 1, 4), (std::vector<std::int64_t>{0, 2, 2, 4}));
  EXPECT_EQ(lists.children[0]->length, 4);
  EXPECT_EQ(numbers<std::int16_t>(*lists.children[0], 1, 4), (std::vector<std::int16_t>{12, 13, 14, 15}));
}

TEST(ArrowCopy, OfStructuresAndListsOfAFixedSize) {
  Original original;
  const std::array<std::int8_t, 8> values{0, 1, 2, 3, 4, 5, 6, 7};
  Array items = original.array(8, 0, {nullptr, values.data()});
  Schema items_schema = original.schema("c");
  Array lists = original.array(4, 0, {nullptr}, {&items});
  Schema lists_schema = original.schema("+w:2", {&items_schema});
  const auto copy = original.copy(original.schema("+s", {&lists_schema}), original.array(2, 1, {nullptr}, {&lists}));
  ASSERT_NE(copy, nullptr);
  const Array& found = *copy->chunks[0].children[0];
  EXPECT_EQ(found.length, 2);
  EXPECT_EQ(numbers<std::int8_t>(*found.children[0], 1, 4), (std::vector<std::int8_t>{2, 3, 4, 5}));
}

struct View {
  std::int32_t size;
  std::array<char, 4> prefix;
  std::int32_t buffer;
  std::int32_t offset;
};

std::string text_of(const Array& array, std::size_t row) {
  const View view = numbers<View>(array, 1, row + 1)[row];
  if (view.size <= 12)
    return {static_cast<const char*>(array.buffers[1]) + row * sizeof(View) + 4, static_cast<std::size_t>(view.size)};
  return {static_cast<const char*>(array.buffers[2 + view.buffer]) + view.offset, static_cast<std::size_t>(view.size)};
}

TEST(ArrowCopy, OfViewsPutsTogetherWhatTheyLeadTo) {
  Original original;
  const std::string first(1000, 'x');
  const std::string second = "0123456789abcdefghij";
  const std::array<View, 3> views{View{20, {'x', 'x', 'x', 'x'}, 0, 10}, View{3, {'a', 'b', 'c'}, 0, 0},
                                  View{16, {'4', '5', '6', '7'}, 1, 4}};
  const std::array<std::int64_t, 2> sizes{1000, 20};
  const auto copy = original.copy(original.schema("vu"),
                                  original.array(3, 0, {nullptr, views.data(), first.data(), second.data(), sizes.data()}));
  ASSERT_NE(copy, nullptr);
  const Array& found = copy->chunks[0];
  EXPECT_EQ(found.n_buffers, 4);
  EXPECT_EQ(numbers<std::int64_t>(found, 3, 1), std::vector<std::int64_t>{36});
  EXPECT_EQ(text_of(found, 0), std::string(20, 'x'));
  EXPECT_EQ(text_of(found, 1), "abc");
  EXPECT_EQ(text_of(found, 2), "456789abcdefghij");
}

TEST(ArrowCopy, OfManyViewsOfTheSameBytesHasThemOnce) {
  Original original;
  const std::string bytes = "a text of thirty bytes or so..";
  const std::vector<View> views(1000, View{30, {'a', ' ', 't', 'e'}, 0, 0});
  const std::array<std::int64_t, 1> sizes{30};
  const auto copy =
      original.copy(original.schema("vz"), original.array(1000, 0, {nullptr, views.data(), bytes.data(), sizes.data()}));
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(numbers<std::int64_t>(copy->chunks[0], 3, 1), std::vector<std::int64_t>{30});
  EXPECT_EQ(text_of(copy->chunks[0], 999), bytes);
}

TEST(ArrowCopy, AViewOfAMissingRowIsNotFollowed) {
  Original original;
  const std::array<View, 1> views{View{1 << 30, {}, 77, 1 << 20}};
  const std::array<unsigned char, 1> validity{0};
  const std::array<std::int64_t, 1> none{};
  const auto copy = original.copy(original.schema("vu"), original.array(1, 0, {validity.data(), views.data(), none.data()}));
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(copy->chunks[0].null_count, 1);
  EXPECT_EQ(text_of(copy->chunks[0], 0), "");
}

TEST(ArrowCopy, OfADictionaryHasAllItsWords) {
  Original original;
  const std::array<std::uint32_t, 3> indices{1, 0, 1};
  const std::string bytes = "yesno";
  const std::array<std::int32_t, 3> offsets{0, 3, 5};
  Array words = original.array(2, 0, {nullptr, offsets.data(), bytes.data()});
  Schema words_schema = original.schema("u");
  Array array = original.array(2, 1, {nullptr, indices.data()});
  Schema schema = original.schema("I");
  array.dictionary = &words;
  schema.dictionary = &words_schema;
  const auto copy = original.copy(schema, array);
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(numbers<std::uint32_t>(copy->chunks[0], 1, 2), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(copy->chunks[0].dictionary->length, 2);
  EXPECT_STREQ(copy->schema.dictionary->format, "u");
}

TEST(ArrowCopy, KeepsMetadata) {
  Original original;
  std::string metadata;
  for (const char* text : {"key", "value with a \0 in it"}) {
    const auto size = static_cast<std::int32_t>(std::strlen(text));
    metadata.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
  }
  const std::int32_t pairs = 1;
  metadata.insert(0, reinterpret_cast<const char*>(&pairs), sizeof pairs);
  Schema schema = original.schema("n");
  schema.metadata = metadata.data();
  const auto copy = original.copy(schema, original.array(5, 0, {}));
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(std::string(copy->schema.metadata, metadata.size()), metadata);
  EXPECT_EQ(copy->chunks[0].null_count, 5);
}

TEST(ArrowCopy, OfALayoutThatIsNotKnownIsNone) {
  Original original;
  const std::array<std::int64_t, 4> values{};
  for (const char* format : {"w:16", "+ud:0,1", "+r", "tx", "d:1,2,7", "+w:0", "?"}) {
    EXPECT_EQ(original.copy(original.schema(format), original.array(1, 0, {nullptr, values.data()})), nullptr) << format;
  }
  // A known layout with a wrong number of buffers.
  EXPECT_EQ(original.copy(original.schema("l"), original.array(1, 0, {nullptr})), nullptr);
}

TEST(ArrowCopy, OfEachKindOfNumberHasItsWidth) {
  Original original;
  const std::array<std::int64_t, 8> values{1, 2, 3, 4, 5, 6, 7, 8};
  for (const auto& [format, width] : {std::pair("C", 1),
                                      {"e", 2},
                                      {"tdD", 4},
                                      {"ttm", 4},
                                      {"tsn:Europe/Vienna", 8},
                                      {"tDm", 8},
                                      {"d:9,2", 16},
                                      {"d:9,2,32", 4},
                                      {"tin", 16}}) {
    const auto copy = original.copy(original.schema(format), original.array(2, 1, {nullptr, values.data()}));
    ASSERT_NE(copy, nullptr) << format;
    const auto* const from = reinterpret_cast<const char*>(values.data()) + width;
    EXPECT_EQ(std::memcmp(copy->chunks[0].buffers[1], from, 2 * static_cast<std::size_t>(width)), 0) << format;
  }
}

}  // namespace
}  // namespace aiointerpreters::codec::arrow
