// Encoder: writes Python objects in the native format (format.h). It uses its own stack instead of recursion, so only
// memory limits the depth. Objects without a native form go to the Parts (parts.h), and tags stand for them.
//
// It runs no Python code and never detaches. So no container can change while it is being written, and no object can die.
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
  // Borrows all. `instances`: null if all instances will be parts.
  Encoder(base::Bytes& out, Parts& parts, Instances* instances = nullptr) noexcept;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder();

  // Appends one value. All values written by one encoder share one memo. After an error the output must not be used. An
  // error without an exception set means that a part is needed but the Parts are not open.
  [[nodiscard]] bool write(PyObject* value);
  // Appends a number that is not a value.
  void write_varint(std::size_t number);
  // Adds everything that was written to `out`. Call it once, at the end.
  void finish() noexcept;

  // Whether reading this hashes any object that is not a str or int.
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

  // Whether an object that a container in the graph holds may be met a second time. Containers hold strong references, so
  // an object in two places of the graph has a count of at least two. CPython borrows some references: on the evaluation
  // stack of 3.14, and for the arguments of a call. Containers hold none of these, so they cannot lower that count. They
  // matter for the roots: in f(x, x) both references may be borrowed from one local variable. Therefore roots always count
  // as shared.
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
  // Writes an object that is attached instead of copied. False: it has to be written in another way.
  bool write_attached(PyObject* object);
  Step open_sequence(unsigned char tag, PyObject* object, PyObject* const* items, Py_ssize_t count, bool shared);
  Step open_dict(PyObject* dict, bool shared);
  Step open_record(PyObject* dict, std::size_t shape, bool is_new, bool shared);
  Step open_set(unsigned char tag, PyObject* set, bool shared);
  Step open_instance(PyObject* object, bool shared);

  void push_frame(Frame::Kind kind, PyObject* container, PyObject* const* items, Py_ssize_t count, PyObject* other);

  // Continue with the top frame. kWritten: it is complete.
  Step fill_sequence();
  Step fill_dict();
  Step fill_record();
  Step fill_set();
  // Write consecutive ints or floats at `items`, as a run if there are enough of them. Return their number.
  Py_ssize_t write_ints(PyObject* const* items, Py_ssize_t count);
  Py_ssize_t write_floats(PyObject* const* items, Py_ssize_t count);

  void write_int(std::int64_t value);
  void write_float(double value);
  void write_tagged(unsigned char tag, std::size_t index);
  // True: the object was written before, or crosses over, and a reference to it has been written. False: the caller has to
  // write it.
  bool write_known(PyObject* object, bool shared) {
    return parts_.open() ? write_known_to_parts(object, shared) : shared && write_reference(object);
  }
  bool write_known_to_parts(PyObject* object, bool shared);
  // Whether a container is still being written. Requires: it is a tuple or a frozenset. Its reader cannot refer to it
  // before it is complete. Pickle can handle this, because it creates objects in another order.
  [[nodiscard]] bool is_open(PyObject* container);
  // Handles a tuple or frozenset to which a reference has been written.
  Step referred(PyObject* container) {
    return instances_ != nullptr && instances_->any() && is_open(container) ? Step::kFailed : Step::kWritten;
  }
  // True: the object was written before, and a reference to it has been written.
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
  unsigned char* at_;     // the place for the next byte
  unsigned char* limit_;  // the end of the reserved memory
  Memo memo_;
  Shapes shapes_;
  SmallStack<Frame, 8> frames_;
};

}  // namespace aiointerpreters::codec
