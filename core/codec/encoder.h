// Encoder: writes Python objects in the native format (format.h), with its own stack instead of recursion, so that only
// memory limits the depth. Objects without a native form are handed to the Parts (parts.h), and a tag stands for them.
//
// It runs no Python code and never detaches, so no container can change while it is written and nothing can die.
// Owner: one call of the codec. Requires: attached. Errors: false with a Python exception set; std::bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "codec/instances.h"
#include "codec/memo.h"
#include "codec/parts.h"
#include "codec/shapes.h"
#include "codec/small_stack.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class Encoder {
 public:
  // Borrows all. `instances`: null if instances of every class will be parts.
  Encoder(base::Bytes& out, Parts& parts, Instances* instances = nullptr) noexcept;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder();

  // Appends one value. Values written by one encoder share one memo. After a failure the content is useless. A failure
  // without an exception set means that parts are needed and the Parts are not open.
  [[nodiscard]] bool write(PyObject* value);
  // Appends a number that is not a value.
  void write_varint(std::size_t number);
  // Makes everything that was written part of the bytes. Call it once, at the end.
  void finish() noexcept;

  // Whether anything but a str or int is hashed when this is read.
  [[nodiscard]] bool hashes_others() const noexcept { return hashes_others_; }

  // The objects that have been written and may be met again.
  [[nodiscard]] const Memo& memo() const noexcept { return memo_; }

 private:
  enum class Step { kWritten, kOpened, kFailed };
  struct Frame {
    enum class Kind : std::uint8_t { kSequence, kDict, kRecord, kSet };
    Kind kind;
    bool watched;  // the Parts watch it
    PyObject* container;
    PyObject* const* items;  // kSequence
    Py_ssize_t next;         // kSequence: index; kDict, kRecord: position of PyDict_Next
    Py_ssize_t count;        // kSequence
    PyObject* other;         // kDict: the value for the key that is being written, or null; kSet: the iterator, owned
  };

  // Whether an object that a container in the graph holds may be met a second time. Containers hold strong references, so an
  // object that is held by two places of the graph has a count of at least two. References that CPython only borrows (the
  // evaluation stack of 3.14, the arguments of a call) are not held by containers, so they cannot lower that count. They
  // matter at the roots: in f(x, x) both may be borrowed from one local variable. Therefore roots always count as shared.
  [[nodiscard]] static bool may_be_shared(PyObject* object) noexcept { return Py_REFCNT(object) != 1; }

  // Writes a leaf, or the head of a container and pushes its frame.
  Step write_one(PyObject* object, bool shared);
  Step write_other(PyObject* object, bool shared);
  Step write_str(PyObject* str, bool shared);
  Step write_data(unsigned char tag, const void* data, std::size_t size, PyObject* object, bool shared);
  Step write_long(PyObject* number);
  Step write_big_int(PyObject* number);
  Step write_range(PyObject* range, bool shared);
  Step write_slice(PyObject* slice, bool shared);
  Step write_part(PyObject* object);
  // Writes an object that is attached instead of copied; false if it has to be written otherwise.
  bool write_attached(PyObject* object);
  Step open_sequence(unsigned char tag, PyObject* object, PyObject* const* items, Py_ssize_t count, bool shared);
  Step open_dict(PyObject* dict, bool shared);
  Step open_record(PyObject* dict, std::size_t shape, bool is_new, bool shared);
  Step open_set(unsigned char tag, PyObject* set, bool shared);
  Step open_instance(PyObject* object, bool shared);

  void push_frame(Frame::Kind kind, PyObject* container, PyObject* const* items, Py_ssize_t count, PyObject* other);

  // Continue at the top frame: kWritten when it is complete.
  Step fill_sequence();
  Step fill_dict();
  Step fill_record();
  Step fill_set();
  // Write the consecutive ints or floats at `items`, as a run if there are enough of them; return their number.
  Py_ssize_t write_ints(PyObject* const* items, Py_ssize_t count);
  Py_ssize_t write_floats(PyObject* const* items, Py_ssize_t count);

  void write_int(std::int64_t value);
  void write_float(double value);
  void write_tagged(unsigned char tag, std::size_t index);
  // True if the object was written before, or crosses over: a reference to it has been written. Else the caller has to write
  // it now.
  bool write_known(PyObject* object, bool shared) {
    return parts_.open() ? write_known_to_parts(object, shared) : shared && write_reference(object);
  }
  bool write_known_to_parts(PyObject* object, bool shared);
  // Whether a container is still being written. Requires: it is a tuple or a frozenset. Its reader cannot refer to it before
  // all of it exists; pickle solves that by its own order.
  [[nodiscard]] bool is_open(PyObject* container);
  // Handles a tuple or frozenset to which a reference has been written.
  Step referred(PyObject* container) {
    return instances_ != nullptr && instances_->any() && is_open(container) ? Step::kFailed : Step::kWritten;
  }
  // True if the object was written before: a reference to it has been written.
  bool write_reference(PyObject* object);
  void write_header(unsigned char tag, std::size_t count, bool shared);
  void put_varint(std::size_t number) noexcept;

  [[nodiscard]] unsigned char* room(std::size_t size) {
    if (static_cast<std::size_t>(limit_ - at_) < size) grow(size);
    return at_;
  }
  void grow(std::size_t size);

  base::Bytes& out_;
  Parts& parts_;
  Instances* const instances_;
  bool hashes_others_ = false;
  unsigned char* at_;     // where the next byte goes
  unsigned char* limit_;  // the end of what is reserved
  Memo memo_;
  Shapes shapes_;
  SmallStack<Frame, 8> frames_;
};

}  // namespace aiointerpreters::codec
