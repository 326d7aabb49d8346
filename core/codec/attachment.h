// Attachments: data that travels beside the bytes of a message because it is not copied into them. These are shared memory,
// large strings that the receiver copies, and objects that must live until the receiver has read the message.
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

// The size in bytes from which on a bytes or str is not copied into the message, because a loan costs less than the copy.
inline constexpr std::size_t kHeldMin = std::size_t{16} * 1024;

// The content of a large bytes or str, still in its owner's memory. It is copied out if the owner ends first.
class HeldContent final : public Borrower {
 public:
  // `content` belongs to `object`. Requires: attached. Returns null if the loan is not granted. Errors: std::bad_alloc.
  [[nodiscard]] static base::IntrusivePtr<HeldContent> of(PyObject* object, const void* content, std::size_t size,
                                                          Lessor& lessor);
  HeldContent(const void* content, std::size_t size) noexcept : content_(content), size_(size) {}  // see `of`
  // Copies it. False: the content is lost, because there was no memory to copy it out in time. Thread: any. Blocks: while
  // it is being copied out.
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
  // Creates an object of the main interpreter for the same queue.
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

// The memory that the attachments keep in use, in bytes, wherever it is.
[[nodiscard]] std::size_t attached_bytes(const Message& message) noexcept;

// Makes `to` a message with the same content. Both share what is attached. Errors: std::bad_alloc.
void copy_message(const Message& from, Message& to);

// How the memory of an encoded view crosses. Memory that already belongs to the process is always shared.
enum class Views : std::uint8_t {
  kLend,  // for arguments: their sender waits for the answer, so it outlives the reader
  kCopy,  // for results: the worker may end before the reader, so its memory is copied, once
  kNone,  // for another process: nothing is attached, and what exists only as an attachment cannot cross
};

// The part of the memory that a buffer exposes.
[[nodiscard]] Geometry geometry_of(const Py_buffer& buffer);
// Prepares the memory that `buffer` describes to cross. `owner` keeps it alive and in place. `known`: the block that
// contains it, if there is one (exporter.h), otherwise null. Requires: attached. No Python runs. Errors: false with an
// exception set; std::bad_alloc.
[[nodiscard]] bool share_memory(const Runtime& runtime, PyObject* owner, const Py_buffer& buffer, const BlockView* known,
                                Views views, BlockView& out);

// Whether a message contains memory that arrays of the sender may still use (array_memory.h).
[[nodiscard]] bool has_own_memory(const Message& message) noexcept;
// Call it when the sender has dropped the values that it has sent. If arrays still use memory of the message, it is copied.
// Requires: attached to the sender's interpreter. No Python runs. Errors: std::bad_alloc; it may be called again.
void settle_own_memory(const Runtime& runtime, Message& message);

// Attach the content of an object. Requires: attached. No Python runs, except the __buffer__ of a class behind a
// PickleBuffer. Errors: false with an exception set; std::bad_alloc.
[[nodiscard]] bool attach_view(const Runtime& runtime, PyObject* memoryview, Views views, Attachment& out);
// For an ArrowStream. Its data crosses unchanged in both directions.
[[nodiscard]] bool attach_columns(const Runtime& runtime, PyObject* stream, Views views, Attachment& out);
// False without an exception: no loan is granted, so the content has to be copied.
[[nodiscard]] bool attach_bytes(const Runtime& runtime, PyObject* bytes, Attachment& out);
[[nodiscard]] bool attach_str(const Runtime& runtime, PyObject* str, Attachment& out);

// The class concurrent.interpreters.Queue, if it has been imported. Returns new; null without an exception set if not.
[[nodiscard]] py::Ref find_queue_type(Runtime& runtime);
// Whether an object is a concurrent.interpreters.Queue. Requires: attached. Runs Python only if it may be one.
[[nodiscard]] bool is_queue(PyObject* object);

// Creates the object for an attachment. For a queue this is None, because the pickle contains the queue. Detaches while it
// copies large content. Returns new; null with an exception set. Errors: std::bad_alloc.
[[nodiscard]] py::Ref rebuild(const Runtime& runtime, const Attachment& attachment);

}  // namespace aiointerpreters::codec
