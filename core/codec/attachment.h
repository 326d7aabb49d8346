// Attachments: things that travel beside the bytes of a message because they are not copied into them: shared memory, large
// strings that the other side copies for itself, objects that must live until the other side has read the message.
// Owner: a message. Thread: one owner at a time; decoding does not change them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "base/memory.h"
#include "base/mutex.h"
#include "codec/arrow_table.h"
#include "codec/lessor.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "codec/shared_block.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// A bytes or str of this size or more is not copied into the message: from here on, a loan costs less than the copy (bytes).
inline constexpr std::size_t kHeldMin = std::size_t{16} * 1024;

// The content of a large bytes or str, at its owner's place. It moves out if the owner ends first.
class HeldContent final : public Borrower {
 public:
  // `content` belongs to `object`. Requires: attached. Returns null if the loan is not granted. Errors: std::bad_alloc.
  [[nodiscard]] static base::IntrusivePtr<HeldContent> of(PyObject* object, const void* content, std::size_t size,
                                                          Lessor& lessor);
  HeldContent(const void* content, std::size_t size) noexcept : content_(content), size_(size) {}  // see `of`
  // Copies it; false if there was no memory to move out to. Thread: any. Blocks: while it moves out.
  [[nodiscard]] bool copy_to(void* destination) noexcept AIOI_EXCLUDES(mutex_);
  void move_out(Refuge& refuge) override AIOI_EXCLUDES(mutex_);

 private:
  Loan loan_;  // changed by the owner only
  base::Mutex mutex_;
  const void* content_ AIOI_GUARDED_BY(mutex_);  // null: lost
  base::Memory moved_ AIOI_GUARDED_BY(mutex_);
  const std::size_t size_;
};

struct HeldBytes {
  base::IntrusivePtr<HeldContent> content;
  Py_ssize_t size;
};
struct HeldStr {
  base::IntrusivePtr<HeldContent> content;
  Py_ssize_t length;   // characters
  Py_UCS4 max_char;    // the argument for PyUnicode_New
  std::uint8_t width;  // bytes of a character
};

// Keeps a concurrent.interpreters.Queue until the other side has its own: a queue ends with its last object (hazard 27).
class HeldQueue final : public Borrower {
 public:
  // Requires: attached. Runs Python. Errors: null with an exception set; std::bad_alloc.
  [[nodiscard]] static base::IntrusivePtr<HeldQueue> of(PyObject* queue, Lessor& lessor);
  explicit HeldQueue(long long id) noexcept : id_(id) {}  // see `of`
  // Makes an object of home's own for the same queue.
  void move_out(Refuge& refuge) override;

 private:
  const long long id_;
  Loan loan_;  // changed by the owner only
};
using QueuePtr = base::IntrusivePtr<HeldQueue>;

struct WholeBuffer {  // a SharedBuffer
  BlockView view;
};
using Attachment = std::variant<BlockView, WholeBuffer, HeldBytes, HeldStr, QueuePtr, ArrowTablePtr>;

struct Attachments final : AttachmentList {
  std::vector<Attachment> list;
};
// The attachments of a message, in the order of their indices.
[[nodiscard]] inline std::span<const Attachment> attachments_of(const Message& message) noexcept {
  if (!message.attachments) return {};
  return static_cast<const Attachments&>(*message.attachments).list;
}
// The list, to append to. Errors: std::bad_alloc.
[[nodiscard]] inline std::vector<Attachment>& attachments_in(Message& message) {
  if (!message.attachments) message.attachments = std::make_unique<Attachments>();
  return static_cast<Attachments&>(*message.attachments).list;
}

// How the memory of an encoded view crosses, if the process does not own it already.
enum class Views : std::uint8_t {
  kLend,  // the exporter outlives the reader: for arguments, whose sender waits for the answer
  kCopy,  // it may end first: for results; memory that the process does not own yet is copied, once
};

// The part of its memory that a buffer shows.
[[nodiscard]] Geometry geometry_of(const Py_buffer& buffer);
// Makes the memory that `buffer` describes cross. `owner` keeps it alive and in place. `known`: the block that it is part
// of, if that is known (exporter.h), else null. Requires: attached. No Python runs. Errors: false with an exception set;
// std::bad_alloc.
[[nodiscard]] bool share_memory(const Runtime& runtime, PyObject* owner, const Py_buffer& buffer, const BlockView* known,
                                Views views, BlockView& out);

// Whether a message contains memory of arrays that the sender may still use (array_memory.h).
[[nodiscard]] bool has_own_memory(const Message& message) noexcept;
// For such a message, once the sender has dropped the values that it has sent: memory that arrays still use is copied.
// Requires: attached to the sender's interpreter. No Python runs. Errors: std::bad_alloc, and it can be called again.
void settle_own_memory(const Runtime& runtime, Message& message);

// Attach the content of an object. Requires: attached. No Python runs, except the __buffer__ of a class behind a
// PickleBuffer. Errors: false with an exception set; std::bad_alloc.
[[nodiscard]] bool attach_view(const Runtime& runtime, PyObject* memoryview, Views views, Attachment& out);
// For an ArrowStream; its data crosses unchanged in either direction.
[[nodiscard]] bool attach_columns(const Runtime& runtime, PyObject* stream, Views views, Attachment& out);
// A loan may be refused; then false without an exception: the content has to be copied.
[[nodiscard]] bool attach_bytes(const Runtime& runtime, PyObject* bytes, Attachment& out);
[[nodiscard]] bool attach_str(const Runtime& runtime, PyObject* str, Attachment& out);

// The class concurrent.interpreters.Queue, if it has been imported. Returns new; null without an exception set if not.
[[nodiscard]] py::Ref find_queue_type(Runtime& runtime);
// Whether an object is a concurrent.interpreters.Queue. Requires: attached. Runs Python only if it may be one.
[[nodiscard]] bool is_queue(PyObject* object);

// Makes the object for an attachment; None for a queue, which is in the pickle. Detaches while it copies a lot. Returns new;
// null with an exception set. Errors: std::bad_alloc.
[[nodiscard]] py::Ref rebuild(const Runtime& runtime, const Attachment& attachment);

}  // namespace aiointerpreters::codec
