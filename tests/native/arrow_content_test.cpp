// arrow_content.h: columns can be read any number of times, and are released once, when the last reader has released them.
#include "codec/arrow_content.h"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace aiointerpreters::codec::arrow {
namespace {

// A library whose stream has `chunks` chunks with two columns, the second one with a dictionary.
class Producer {
 public:
  explicit Producer(int chunks, int failing = -1) : chunks_(chunks), failing_(failing) {
    stream = {get_schema, get_next, get_last_error, release_stream, this};
  }

  Stream stream{};
  int released_schemas = 0;
  int released_arrays = 0;

 private:
  struct Parts {
    std::array<Array, 2> children{};
    std::array<Array*, 2> pointers{};
    Array dictionary{};
  };

  static Producer& of(Stream* stream) { return *static_cast<Producer*>(stream->private_data); }

  static int get_schema(Stream* stream, Schema* out) {
    Producer& self = of(stream);
    for (int i = 0; i < 2; ++i) {
      self.columns_[i] = {.format = i == 0 ? "l" : "I",
                          .name = i == 0 ? "first" : "second",
                          .metadata = nullptr,
                          .flags = 0,
                          .n_children = 0,
                          .children = nullptr,
                          .dictionary = nullptr,
                          .release = release_schema,
                          .private_data = &self};
      self.column_pointers_[i] = &self.columns_[i];
    }
    self.words_ = {.format = "u",
                   .name = "",
                   .metadata = nullptr,
                   .flags = 0,
                   .n_children = 0,
                   .children = nullptr,
                   .dictionary = nullptr,
                   .release = release_schema,
                   .private_data = &self};
    self.columns_[1].dictionary = &self.words_;
    *out = {.format = "+s",
            .name = "",
            .metadata = nullptr,
            .flags = 0,
            .n_children = 2,
            .children = self.column_pointers_.data(),
            .dictionary = nullptr,
            .release = release_schema,
            .private_data = &self};
    return 0;
  }

  static int get_next(Stream* stream, Array* out) {
    Producer& self = of(stream);
    *out = {};
    if (self.next_ == self.failing_) return EIO;
    if (self.next_ == self.chunks_) return 0;
    Parts& parts = *self.parts_.emplace_back(std::make_unique<Parts>());
    for (int i = 0; i < 2; ++i) {
      parts.children[i] = {.length = self.next_,
                           .null_count = 0,
                           .offset = 0,
                           .n_buffers = 1,
                           .n_children = 0,
                           .buffers = self.buffers_.data(),
                           .children = nullptr,
                           .dictionary = nullptr,
                           .release = release_array,
                           .private_data = &self};
      parts.pointers[i] = &parts.children[i];
    }
    parts.dictionary = parts.children[0];
    parts.children[1].dictionary = &parts.dictionary;
    *out = {.length = self.next_,
            .null_count = 0,
            .offset = 0,
            .n_buffers = 1,
            .n_children = 2,
            .buffers = self.no_validity_.data(),
            .children = parts.pointers.data(),
            .dictionary = nullptr,
            .release = release_array,
            .private_data = &self};
    ++self.next_;
    return 0;
  }

  static const char* get_last_error(Stream*) { return "there is none"; }
  static void release_stream(Stream* stream) { stream->release = nullptr; }
  static void release_schema(Schema* schema) {
    ++static_cast<Producer*>(schema->private_data)->released_schemas;
    schema->release = nullptr;
  }
  static void release_array(Array* array) {
    ++static_cast<Producer*>(array->private_data)->released_arrays;
    array->release = nullptr;
  }

  const int chunks_;
  const int failing_;
  int next_ = 0;
  std::array<Schema, 2> columns_{};
  std::array<Schema*, 2> column_pointers_{};
  Schema words_{};
  std::array<const void*, 1> buffers_{this};
  std::array<const void*, 1> no_validity_{};
  std::vector<std::unique_ptr<Parts>> parts_;
};

struct Holder final : base::Counted {
  Content content;
};
using HolderPtr = base::IntrusivePtr<Holder>;

HolderPtr holder_of(Producer& producer) {
  HolderPtr holder(std::make_unique<Holder>().release());
  EXPECT_TRUE(holder->content.take(producer.stream));
  return holder;
}

// A chunk. Only this chunk keeps the content alive.
Array last_chunk_of(Producer& producer) {
  const HolderPtr holder = holder_of(producer);
  Stream stream{};
  stream_content(holder->content, holder, stream);
  Array chunk{};
  EXPECT_EQ(stream.get_next(&stream, &chunk), 0);
  release(stream);
  return chunk;
}

TEST(ArrowContent, IsReadAsOftenAsOneLikes) {
  Producer producer(3);
  const HolderPtr holder = holder_of(producer);
  for (int round = 0; round < 2; ++round) {
    Stream stream{};
    stream_content(holder->content, holder, stream);
    Schema schema{};
    ASSERT_EQ(stream.get_schema(&stream, &schema), 0);
    EXPECT_STREQ(schema.children[0]->name, "first");
    EXPECT_STREQ(schema.children[1]->dictionary->format, "u");
    release(schema);
    for (int i = 0; i < 3; ++i) {
      Array chunk{};
      ASSERT_EQ(stream.get_next(&stream, &chunk), 0);
      ASSERT_NE(chunk.release, nullptr);
      EXPECT_EQ(chunk.length, i);
      EXPECT_EQ(chunk.children[1]->buffers[0], holder->content.chunks[i].children[1]->buffers[0]);
      EXPECT_EQ(chunk.children[1]->dictionary->length, i);
      release(chunk);
    }
    Array end{};
    ASSERT_EQ(stream.get_next(&stream, &end), 0);
    EXPECT_EQ(end.release, nullptr);
    release(stream);
  }
  EXPECT_EQ(producer.released_arrays, 0);
}

TEST(ArrowContent, IsReleasedOnceByWhoLetsGoLast) {
  Producer producer(2);
  Array chunk = last_chunk_of(producer);
  EXPECT_EQ(producer.released_arrays, 0);
  release(chunk);
  // For each array, the library releases the arrays below it.
  EXPECT_EQ(producer.released_arrays, 2);
  EXPECT_EQ(producer.released_schemas, 1);
}

TEST(ArrowContent, AChildThatIsMovedOutlivesItsParent) {
  Producer producer(1);
  Array chunk = last_chunk_of(producer);
  Array moved = std::exchange(*chunk.children[1], {});
  release(chunk);
  EXPECT_EQ(producer.released_arrays, 0);
  EXPECT_EQ(moved.dictionary->buffers[0], moved.buffers[0]);
  release(moved);
  EXPECT_EQ(producer.released_arrays, 1);
}

TEST(ArrowContent, AnErrorOfTheLibraryReleasesWhatHadCome) {
  Producer producer(3, 2);
  {
    Content content;
    EXPECT_FALSE(content.take(producer.stream));
  }
  EXPECT_EQ(producer.released_arrays, 2);
  EXPECT_EQ(producer.released_schemas, 1);
}

TEST(ArrowContent, ColumnsOfATableAreReleasedEachByItself) {
  Producer producer(2);
  auto content = std::make_unique<Content>();
  ASSERT_TRUE(content->take(producer.stream));
  std::vector<std::unique_ptr<Content>> columns = split_table(std::move(content));
  ASSERT_EQ(columns.size(), 2U);
  // The table itself, whose columns have been moved out.
  EXPECT_EQ(producer.released_arrays, 2);
  EXPECT_EQ(producer.released_schemas, 1);
  EXPECT_STREQ(columns[1]->schema.name, "second");
  EXPECT_EQ(columns[1]->chunks[1].length, 1);
  columns[0].reset();
  EXPECT_EQ(producer.released_arrays, 4);
  EXPECT_EQ(columns[1]->chunks[0].buffers[0], &producer);
  columns.clear();
  EXPECT_EQ(producer.released_arrays, 6);
  EXPECT_EQ(producer.released_schemas, 3);
}

TEST(ArrowContent, WhatIsNoPlainTableIsNotSplit) {
  for (const auto spoil :
       {+[](Content& content) { content.schema.format = "+l"; }, +[](Content& content) { content.chunks[0].offset = 1; },
        +[](Content& content) { content.chunks[0].children[1]->length = 7; }}) {
    Producer producer(1);
    auto content = std::make_unique<Content>();
    ASSERT_TRUE(content->take(producer.stream));
    spoil(*content);
    EXPECT_TRUE(split_table(std::move(content)).empty());
    EXPECT_EQ(producer.released_arrays, 1);
  }
}

TEST(ArrowContent, ThreadsReadAndReleaseAtTheSameTime) {
  Producer producer(4);
  HolderPtr holder = holder_of(producer);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([mine = holder] {
      for (int round = 0; round < 100; ++round) {
        Stream stream{};
        stream_content(mine->content, mine, stream);
        Array chunk{};
        while (stream.get_next(&stream, &chunk) == 0 && chunk.release != nullptr) release(chunk);
        release(stream);
      }
    });
  }
  holder = HolderPtr();
  for (std::thread& thread : threads) thread.join();
  threads.clear();
  EXPECT_EQ(producer.released_arrays, 4);
}

}  // namespace
}  // namespace aiointerpreters::codec::arrow
