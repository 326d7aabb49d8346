// Attachments: what a message carries beside its bytes, because it is not copied into them: memory that is shared, large
// strings that the other side copies for itself, objects that have to live until it has looked.
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

// A bytes or str from this size on is not copied into the message: what is saved there costs a loan (bytes).
inline constexpr std::size_t kHeldMin = std::size_t{16} * 1024;

// The content of a large bytes or str, where its owner has it. It moves out if the owner ends first.
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
  Py_UCS4 max_char;    // what PyUnicode_New is to be told
  std::uint8_t width;  // bytes of a character
};

// Keeps a concurrent.interpreters.Queue until the other side has its own: a queue ends with its last object (hazard 27).
class HeldQueue final : public Borrower {
 public:
  // Requires: attached. Runs Python. Errors: null with an exception set; std::bad_alloc.
  [[nodiscard]] static base::IntrusivePtr<HeldQueue> of(PyObject* queue, Lessor& lessor);
  explicit HeldQueue(long long id) noexcept : id_(id) {}  // see `of`
  // Home gets an object of its own for the same queue.
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
// Those of a message, in the order of their indices.
[[nodiscard]] inline std::span<const Attachment> attachments_of(const Message& message) noexcept {
  if (!message.attachments) return {};
  return static_cast<const Attachments&>(*message.attachments).list;
}
// The list, to append to. Errors: std::bad_alloc.
[[nodiscard]] inline std::vector<Attachment>& attachments_in(Message& message) {
  if (!message.attachments) message.attachments = std::make_unique<Attachments>();
  return static_cast<Attachments&>(*message.attachments).list;
}

// How the memory of a view that is encoded crosses, where the process does not own it already.
enum class Views : std::uint8_t {
  kLend,  // the exporter outlives the reader: arguments, whose sender waits for the answer
  kCopy,  // it may end first: results; what the process does not own yet is copied, once
};

// What of its memory a buffer shows.
[[nodiscard]] Geometry geometry_of(const Py_buffer& buffer);
// Has the memory that `buffer` describes cross. `owner` keeps it alive, and where it is; `known`: of what it is a part, if
// that is known (exporter.h), else null. Requires: attached. No Python runs.
// Errors: false with an exception set; std::bad_alloc.
[[nodiscard]] bool share_memory(const Runtime& runtime, PyObject* owner, const Py_buffer& buffer, const BlockView* known,
                                Views views, BlockView& out);

// Whether arrays that the sender may still use have their memory in a message (array_memory.h).
[[nodiscard]] bool has_own_memory(const Message& message) noexcept;
// For such a message, once the sender has let go of what it has sent: memory that arrays use there all the same is copied.
// Requires: attached to the sender's interpreter. No Python runs. Errors: std::bad_alloc, and it can be called again.
void settle_own_memory(const Runtime& runtime, Message& message);

// Attach what an object stands for. Requires: attached. No Python runs, but for the __buffer__ of a class behind a
// PickleBuffer. Errors: false with an exception set; std::bad_alloc.
[[nodiscard]] bool attach_view(const Runtime& runtime, PyObject* memoryview, Views views, Attachment& out);
// Of an ArrowStream; its data crosses as it is, whichever way.
[[nodiscard]] bool attach_columns(const Runtime& runtime, PyObject* stream, Views views, Attachment& out);
// A loan may not be had; then false without an exception: the content has to be copied.
[[nodiscard]] bool attach_bytes(const Runtime& runtime, PyObject* bytes, Attachment& out);
[[nodiscard]] bool attach_str(const Runtime& runtime, PyObject* str, Attachment& out);

// The class concurrent.interpreters.Queue, if anybody has imported it. Returns new; null without an exception set if not.
[[nodiscard]] py::Ref find_queue_type(Runtime& runtime);
// Whether an object is a concurrent.interpreters.Queue. Requires: attached. Runs Python only if it may be one.
[[nodiscard]] bool is_queue(PyObject* object);

// Makes the object that an attachment stands for; None for a queue, which stands in the pickle. Detaches while it copies
// much. Returns new; null with an exception set. Errors: std::bad_alloc.
[[nodiscard]] py::Ref rebuild(const Runtime& runtime, const Attachment& attachment);

}  // namespace aiointerpreters::codec
