// Message: the data that travels between two interpreters: plain bytes, and attachments for data that is not copied into
// them. It contains no Python object (docs/design/data_path.md, 1).
// Owner: the task that carries it. Thread: one owner at a time. Decoding does not change it, so it may be decoded again.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace aiointerpreters::codec {

// The base of the attachment list. attachment.h has the only derived class, and only the codec looks inside.
struct AttachmentList {
  AttachmentList() = default;
  AttachmentList(const AttachmentList&) = delete;
  AttachmentList& operator=(const AttachmentList&) = delete;
  virtual ~AttachmentList() = default;
};

struct Message {
  enum class Form : std::uint8_t {
    kEmpty,      // not filled yet
    kNative,     // the format of codec/format.h
    kMixed,      // the same, then a pickle of the objects that this format does not support
    kInstances,  // the native format with instances of classes, then the list of their layouts
  };

  base::Bytes bytes;
  std::unique_ptr<AttachmentList> attachments;  // null: none
  Form form = Form::kEmpty;
  // The content names an object of `__main__`, so the worker has to run home's script first (hazard 31).
  bool needs_main = false;
  bool stands_alone = false;  // it goes to another process, so it gets no attachments; set before it is filled

  void clear() noexcept {
    bytes.clear();
    attachments.reset();
    form = Form::kEmpty;
    needs_main = false;
  }
};

}  // namespace aiointerpreters::codec
