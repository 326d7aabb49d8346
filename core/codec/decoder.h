// Decoder: rebuilds Python objects from the native format (format.h), with a stack of its own instead of recursion.
//
// It trusts nothing in a message: it never reads past the end, makes no container larger than the remaining bytes can fill,
// and hashes no incomplete object. It runs no Python code, except for hashing and comparing parts and instances, and for
// classes that control how their instances are made. This code cannot do harm, whatever it finds and does: where it may run,
// lists grow item by item, and unfinished tuples hold None.
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

  // Reads the next value. Values read by one decoder share one memo. Returns new; after null the decoder is useless.
  [[nodiscard]] py::Ref read();
  // Reads a number that is not a value.
  [[nodiscard]] bool read_varint(std::size_t& number);
  // Returns false with ValueError set unless everything has been read.
  [[nodiscard]] bool finish();
  [[nodiscard]] std::size_t bytes_left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

 private:
  enum class Step { kDone, kOpened, kFailed };
  // A container that is being filled. A list, tuple, dict or set that is a value is stored in its parent from the start. An
  // object that will be hashed, or a frozenset, is owned by its frame and goes to its parent when it is complete.
  struct Frame {
    unsigned char tag;  // of a container
    bool owned;
    bool in_key;           // it is a key or an element of a set, or inside one
    std::uint32_t height;  // the deepest nesting of tuples and frozensets below it, if it is one of these
    PyObject* object;
    PyObject** items;            // tuple, slots, and list while no Python code runs: the next place; null: the list grows
    std::size_t left;            // values still to be read; odd between the key and the value of a dict
    PyObject* key;               // dict, while left is odd: the key, owned
    std::size_t keys_end;        // record: the end of its last key in keys_
    const Blueprint* blueprint;  // instance
    PyObject* instance;  // the same while Python code may run, owned; if pickle makes it, `object` is the list of its values
    std::size_t memo;    // its entry, or kNoEntry
    std::size_t last_mutable;  // depth of the innermost list, dict or set, itself included, counted from 1; 0: none
  };
  struct Entry {
    PyObject* object;        // owned; null while a frozenset is not complete
    std::size_t open_depth;  // of the frame that fills it, counted from 1; 0: complete
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
  // While Python code may run: keeps a container alive while it is filled, whatever that code does, and hides an unfinished
  // tuple from it as far as possible.
  void hide(PyObject* container, PyObject** items, std::size_t count, bool owned);
  // Puts an item, whose reference it takes, at the next place of a list or tuple.
  [[nodiscard]] static bool put(Frame& frame, PyObject* item) {
    if (frame.items != nullptr) return *frame.items++ = item, true;
    const int failed = PyList_Append(frame.object, item);
    Py_DECREF(item);
    return failed == 0;
  }
  static void show(PyObject* container) noexcept;
  // The same for a tuple that its frame owns.
  void show_owned(const Frame& frame) const noexcept;
  [[nodiscard]] Step fill_sequence();
  // Fills the top frame with values that are not runs. `put(frame, leaf)` takes a leaf, which was just subtracted from
  // `left`, and its reference.
  template <typename Put>
  [[nodiscard]] Step fill(Put&& put);
  [[nodiscard]] bool close();
  // Puts an object, whose reference it takes, at the next place of the top frame; without a frame it is the root.
  [[nodiscard]] bool place(PyObject* object, std::uint32_t height);
  // Takes the next key or value of a dict, or element of a set, and its reference.
  [[nodiscard]] static bool put_entry(Frame& frame, PyObject* object);
  [[nodiscard]] static bool put_element(const Frame& frame, PyObject* element);
  // Sets the item of a record whose value was just subtracted from `left`; takes the reference.
  [[nodiscard]] bool set_field(const Frame& frame, PyObject* value);
  // Sets the attribute of an instance whose value was just subtracted from `left`; takes the reference.
  [[nodiscard]] static bool set_attribute(const Frame& frame, PyObject* value);
  // Reads the data before the values of an instance: its class.
  [[nodiscard]] const Buildable* read_class(bool& shared);
  // Reads the data before the values of a record: their number, and the end of their keys.
  [[nodiscard]] bool read_shape(std::size_t& count, std::size_t& keys_end, bool& shared);
  // Remembers a complete object if it is shared; takes and returns its reference.
  [[nodiscard]] PyObject* remember(PyObject* object, bool shared);

  // Whether the object that was just subtracted from `left` is hashed.
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
  std::size_t owed_ = 0;  // the sum of `left` of all frames but the top one: bytes that these still need
  PyObject* root_ = nullptr;
  SmallStack<Frame, 6> frames_;
  SmallStack<Entry, 8> memo_;
  struct Shape {
    std::size_t count;
    std::size_t keys_end;
  };
  SmallStack<Shape, 2> shapes_;
  SmallStack<PyObject*, 8> keys_;  // of the shapes, owned
  SmallStack<PyObject*, 4> kept_;  // owned: with parts, every container that was opened, except those owned by frames
};

}  // namespace aiointerpreters::codec
