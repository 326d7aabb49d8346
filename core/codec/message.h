// Message: what travels between two interpreters, plain bytes and no Python object (docs/design/data_path.md, 1).
// Owner: the task that carries it. Thread: one owner at a time; decoding does not change it, so it may be decoded again.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace aiointerpreters::codec {

struct Message {
  enum class Form : std::uint8_t {
    kEmpty,    // nothing in it yet
    kNative,   // the format of codec/format.h
    kPickled,  // one pickle, protocol 5, of the whole content
  };

  base::Bytes bytes;
  Form form = Form::kEmpty;
  // The content names something of `__main__`: the worker has to run home's script first (hazard 31).
  bool needs_main = false;

  void clear() noexcept {
    bytes.clear();
    form = Form::kEmpty;
    needs_main = false;
  }
};

}  // namespace aiointerpreters::codec
