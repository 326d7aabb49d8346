// Message: the data that travels between two interpreters: plain bytes, and attachments for things that are not copied into
// them; no Python object (docs/design/data_path.md, 1).
// Owner: the task that carries it. Thread: one owner at a time; decoding does not change it, so it may be decoded again.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"

namespace aiointerpreters::codec {

// The things that the bytes refer to; attachment.h has the one kind that exists, and its list. Only the codec looks inside.
struct AttachmentList {
  AttachmentList() = default;
  AttachmentList(const AttachmentList&) = delete;
  AttachmentList& operator=(const AttachmentList&) = delete;
  virtual ~AttachmentList() = default;
};

struct Message {
  enum class Form : std::uint8_t {
    kEmpty,      // nothing in it yet
    kNative,     // the format of codec/format.h
    kMixed,      // the same, and a pickle of the objects that this format does not know
    kInstances,  // the native format with instances of classes in it, and the list of their layouts
  };

  base::Bytes bytes;
  std::unique_ptr<AttachmentList> attachments;  // null: none
  Form form = Form::kEmpty;
  // The content names an object of `__main__`: the worker has to run home's script first (hazard 31).
  bool needs_main = false;

  void clear() noexcept {
    bytes.clear();
    attachments.reset();
    form = Form::kEmpty;
    needs_main = false;
  }
};

}  // namespace aiointerpreters::codec
