// PartsReader: the counterpart of parts.h. It has the objects that the tags of a message stand for.
// Owner: one decoding. Requires: attached; the attachments outlive it. Errors: Python exception set and null or false
// returned; std::bad_alloc.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "codec/attachment.h"
#include "codec/pickling.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class PartsReader {
 public:
  PartsReader(Runtime& runtime, std::span<const Attachment> attachments) noexcept
      : runtime_(runtime), attachments_(attachments) {}
  PartsReader(const PartsReader&) = delete;
  PartsReader& operator=(const PartsReader&) = delete;

  // Reads the pickle of all parts. Runs Python.
  [[nodiscard]] bool unpickle(const unsigned char* data, std::size_t size, StandIns stand_ins);

  // The object at an index, always the same one; ValueError if there is none. Return new.
  [[nodiscard]] PyObject* attachment(std::size_t index);  // detaches while it copies large content
  [[nodiscard]] PyObject* part(std::size_t index) const;

 private:
  static PyObject* persistent_load(PyObject* capsule, PyObject* id);

  Runtime& runtime_;
  const std::span<const Attachment> attachments_;
  std::vector<py::Ref> attached_;  // null until requested
  py::Ref parts_;                  // list
  py::Ref crossing_;               // list, its indices follow those of the parts
};

}  // namespace aiointerpreters::codec
