// Decoder: rebuilds Python objects from the native format (format.h). It uses its own stack instead of recursion.
//
// It trusts nothing in a message: it never reads past the end, makes no container larger than the remaining bytes can fill,
// and hashes no incomplete object. It runs Python code only to hash and compare parts and instances, and for classes that
// control how their instances are created. Such code may find unfinished objects, but cannot do harm with them: lists grow
// item by item, and unfinished tuples hold None.
// Owner: one call of the codec. Requires: attached. Errors: Python exception set and null or false returned (ValueError
// "corrupt message"; TypeError for an unhashable key; RecursionError for a key nested too deep; MemoryError);
// std::bad_alloc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "codec/corrupt.h"
#include "codec/format.h"
#include "codec/instances_reader.h"
#include "codec/parts_reader.h"
#include "codec/small_stack.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class Decoder {
 public:
  // Borrows all. `parts` is null for a message without parts and attachments.
  Decoder(const unsigned char* data, std::size_t size, PartsReader* parts, const InstancesReader& instances) noexcept
      : at_(data),
        end_(data + size),
        parts_(parts),
        instances_(instances),
        careful_(parts != nullptr || instances.runs_python()) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder();

  // Reads the next value. All values read by one decoder share one memo. Returns new. After an error (null) the decoder
  // must not be used again.
  [[nodiscard]] py::Ref read();
  // Reads a number that is not a value.
  [[nodiscard]] bool read_varint(std::size_t& number);
  // Returns false with ValueError set unless everything has been read.
  [[nodiscard]] bool finish();
  [[nodiscard]] std::size_t bytes_left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

 private:
  enum class Step { kDone, kOpened, kFailed };
  // A container that is being filled. A list, tuple, dict or set that is a value is stored in its parent from the start. A
  // frozenset, or an object that will be hashed, is owned by its frame and stored in its parent when it is complete.
  struct Frame {
    unsigned char tag;  // the container's tag
    bool owned;
    bool in_key;           // it is a key or an element of a set, or inside one
    std::uint32_t height;  // tuple, frozenset: the deepest nesting of tuples and frozensets inside it
    PyObject* object;
    PyObject** items;            // tuple, slots, list if no Python code can run: the next place; null: the list grows
    std::size_t left;            // values still to be read; odd between the key and the value of a dict
    PyObject* key;               // dict, while left is odd: the key, owned
    std::size_t keys_end;        // record: the end of its last key in keys_
    const Blueprint* blueprint;  // instance
    PyObject* instance;          // owned, set if Python code may run; `object` is its list of values if pickle creates it
    std::size_t memo;            // the index of its memo entry, or kNoEntry
    std::size_t last_mutable;    // depth of the innermost list, dict or set, this container included, from 1; 0: none
  };
  struct Entry {
    PyObject* object;        // owned; null while a frozenset is not complete
    std::size_t open_depth;  // of the frame that fills it, from 1; 0: complete
    std::uint32_t height;    // of a complete tuple or frozenset, at least 1; 0 for others
  };
  static constexpr std::size_t kNoEntry = static_cast<std::size_t>(-1);

  [[nodiscard]] PyObject* read_leaf(unsigned char tag);
  [[nodiscard]] PyObject* read_str(unsigned char tag);
  [[nodiscard]] PyObject* read_ascii(std::size_t length);
  [[nodiscard]] PyObject* read_bytes(unsigned char tag);
  [[nodiscard]] PyObject* read_big_int();
  [[nodiscard]] PyObject* read_complex();
  [[nodiscard]] PyObject* read_parts(unsigned char tag);
  [[nodiscard]] PyObject* read_reference();
  [[nodiscard]] PyObject* read_outside(unsigned char tag);
  [[nodiscard]] bool read_run(unsigned char tag, Frame& frame);
  // Reads a header and checks that the remaining bytes can hold `count` times `width`.
  [[nodiscard]] bool read_header(std::size_t width, std::size_t& count, bool& shared);

  [[nodiscard]] Step open(unsigned char tag);
  // If Python code may run: keeps a container alive while it is being filled, whatever that code does, and hides unfinished
  // tuples from it as far as possible.
  void hide(PyObject* container, PyObject** items, std::size_t count, bool owned);
  // Stores an item at the next place of a list or tuple. Takes the reference.
  [[nodiscard]] static bool put(Frame& frame, PyObject* item) {
    if (frame.items != nullptr) return *frame.items++ = item, true;
    const int failed = PyList_Append(frame.object, item);
    Py_DECREF(item);
    return failed == 0;
  }
  static void show(PyObject* container) noexcept;
  // Ends the hiding of a tuple that its frame owns.
  void show_owned(const Frame& frame) const noexcept;
  [[nodiscard]] Step fill_sequence();
  // Fills the top frame with values that are not runs. `put(frame, leaf)` stores a leaf and takes its reference; `left` has
  // already been decreased for it.
  template <typename Put>
  [[nodiscard]] Step fill(Put&& put);
  [[nodiscard]] bool close();
  // Stores an object at the next place of the top frame. Without a frame it is the root. Takes the reference.
  [[nodiscard]] bool place(PyObject* object, std::uint32_t height);
  // Takes the next key or value of a dict, or the next element of a set, and its reference.
  [[nodiscard]] static bool put_entry(Frame& frame, PyObject* object);
  [[nodiscard]] static bool put_element(const Frame& frame, PyObject* element);
  // Sets an item of a record. `left` has already been decreased for it. Takes the reference.
  [[nodiscard]] bool set_field(const Frame& frame, PyObject* value);
  // Sets an attribute of an instance. `left` has already been decreased for it. Takes the reference.
  [[nodiscard]] static bool set_attribute(const Frame& frame, PyObject* value);
  // Reads the class of an instance, which comes before its values.
  [[nodiscard]] const Buildable* read_class(bool& shared);
  // Reads the shape of a record, which comes before its values: their number, and the end of the keys.
  [[nodiscard]] bool read_shape(std::size_t& count, std::size_t& keys_end, bool& shared);
  // Adds a complete object to the memo if it is shared. Takes and returns its reference.
  [[nodiscard]] PyObject* remember(PyObject* object, bool shared);

  // Whether the current object will be hashed. `left` has already been decreased for it.
  [[nodiscard]] static bool at_key(const Frame& frame) noexcept {
    return frame.tag == kDict ? frame.left % 2 != 0 : frame.tag == kSet || frame.tag == kFrozenset;
  }
  [[nodiscard]] static bool immutable(unsigned char tag) noexcept { return tag == kTuple || tag == kFrozenset; }
  [[nodiscard]] bool next_tag(unsigned char& tag) {
    if (at_ == end_) return corrupt();
    tag = *at_++;
    return true;
  }
  template <typename Number>
  [[nodiscard]] bool read_number(Number& number) {
    if (bytes_left() < sizeof number) return corrupt();
    std::memcpy(&number, at_, sizeof number);
    at_ += sizeof number;
    return true;
  }
  static bool corrupt() { return corrupt_message(); }
  static PyObject* corrupt_object() { return corrupt_message(), nullptr; }

  const unsigned char* at_;
  const unsigned char* end_;
  PartsReader* const parts_;
  const InstancesReader& instances_;
  const bool careful_;    // Python code may run
  std::size_t owed_ = 0;  // the sum of `left` over all frames but the top one: bytes that they still need
  PyObject* root_ = nullptr;
  SmallStack<Frame, 6> frames_;
  SmallStack<Entry, 8> memo_;
  struct Shape {
    std::size_t count;
    std::size_t keys_end;
  };
  SmallStack<Shape, 2> shapes_;
  SmallStack<PyObject*, 8> keys_;  // of the shapes, owned
  SmallStack<PyObject*, 4> kept_;  // owned: if Python code may run, every opened container that no frame owns
};

}  // namespace aiointerpreters::codec
