// The decoder; see decoder.h for its contract and format.h for what it reads.
//
// Why no incomplete object is ever hashed, whatever the message says. Hashing follows tuples and frozensets only, and stops
// with TypeError at the first list, dict or set. A frozenset cannot be referred to before it is complete. A tuple can, for
// the sake of cycles, but only (a) outside of keys, and (b) from below a list, dict or set that is below that tuple. Inside
// keys only tuples and frozensets open frames. So if hashing reaches an incomplete tuple T, it meets, among the elements of T
// that are there, the list, dict or set of (b) first: either it is on the path of open frames, all of which stand in their
// tuple already, or in a complete element before that path. The proof also bounds the recursion of hashing: no cycle consists
// of tuples and frozensets alone, and their nesting is counted (height).
#include "codec/decoder.h"

#include <algorithm>
#include <cstring>

#include "codec/format.h"

namespace aiointerpreters::codec {

namespace {

bool is_ascii(const unsigned char* data, std::size_t size) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::uint64_t seen = 0;
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    std::uint64_t words[4];
    std::memcpy(words, data + i, sizeof words);
    seen |= words[0] | words[1] | words[2] | words[3];
  }
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, data + i, sizeof word);
    seen |= word;
  }
  for (; i < size; ++i) seen |= data[i];
  return (seen & kHighBits) == 0;
}

bool has_parts(PyObject* object) {
  return PyTuple_Check(object) || PyList_Check(object) || PyDict_Check(object) || PyAnySet_Check(object) ||
         PySlice_Check(object) || PyRange_Check(object);
}

template <typename Narrow>
bool place_ints(const unsigned char* data, std::size_t count, PyObject** items) {
  for (std::size_t i = 0; i < count; ++i) {
    Narrow value;
    std::memcpy(&value, data + i * sizeof value, sizeof value);
    items[i] = PyLong_FromLongLong(value);
    if (items[i] == nullptr) return false;
  }
  return true;
}

bool place_floats(const unsigned char* data, std::size_t count, PyObject** items) {
  for (std::size_t i = 0; i < count; ++i) {
    double value;
    std::memcpy(&value, data + i * sizeof value, sizeof value);
    items[i] = PyFloat_FromDouble(value);
    if (items[i] == nullptr) return false;
  }
  return true;
}

}  // namespace

Decoder::~Decoder() {
  for (const Frame& frame : frames_) {
    Py_XDECREF(frame.key);
    if (frame.owned) Py_DECREF(frame.object);
  }
  for (const Entry& entry : memo_) Py_XDECREF(entry.object);
  Py_XDECREF(root_);
}

bool Decoder::corrupt() {
  PyErr_SetString(PyExc_ValueError, "corrupt message");
  return false;
}

PyObject* Decoder::corrupt_object() {
  corrupt();
  return nullptr;
}

bool Decoder::finish() { return at_ == end_ || corrupt(); }

bool Decoder::next_tag(unsigned char& tag) {
  if (at_ == end_) return corrupt();
  tag = *at_++;
  return true;
}

template <typename Number>
bool Decoder::read_number(Number& number) {
  if (bytes_left() < sizeof number) return corrupt();
  std::memcpy(&number, at_, sizeof number);
  at_ += sizeof number;
  return true;
}

bool Decoder::read_varint(std::size_t& number) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
    const unsigned char byte = *at_++;
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      number = static_cast<std::size_t>(value);
      return true;
    }
  }
  return corrupt();
}

bool Decoder::read_header(std::size_t width, std::size_t& count, bool& shared) {
  std::size_t header;
  if (!read_varint(header)) return false;
  count = header >> 1;
  shared = (header & 1) != 0;
  return count <= bytes_left() / width || corrupt();
}

PyObject* Decoder::remember(PyObject* object, bool shared) {
  if (object == nullptr || !shared) return object;
  py::Ref guard = py::Ref::steal(object);
  memo_.push({object, 0, 0});
  return Py_NewRef(guard.release());
}

py::Ref Decoder::read() {
  unsigned char tag;
  if (!next_tag(tag)) return {};
  if (tag >= kFirstLeaf) return py::Ref::steal(read_leaf(tag));
  Step step = open(tag);
  while (step != Step::kFailed) {
    if (step == Step::kDone) {
      if (frames_.empty()) return py::Ref::steal(std::exchange(root_, nullptr));
      if (frames_.top().left == 0 && !close()) break;
      if (frames_.empty()) continue;
    }
    switch (frames_.top().tag) {
      case kDict:
        step = fill_dict();
        break;
      case kSet:
      case kFrozenset:
        step = fill_set();
        break;
      default:
        step = fill_sequence();
        break;
    }
  }
  return {};
}

PyObject* Decoder::read_leaf(unsigned char tag) {
  if (tag >= kSmallInt) return PyLong_FromLong(static_cast<long>(tag) - kSmallInt - kSmallIntBias);
  if (tag >= kShortAscii) {
    return remember(read_ascii(tag & kShortAsciiMax), tag >= kShortAsciiShared);
  }
  switch (tag) {
    case kNone:
      return Py_NewRef(Py_None);
    case kTrue:
      return Py_NewRef(Py_True);
    case kFalse:
      return Py_NewRef(Py_False);
    case kEllipsis:
      return Py_NewRef(Py_Ellipsis);
    case kNotImplemented:
      return Py_NewRef(Py_NotImplemented);
    case kInt16: {
      std::int16_t value;
      return read_number(value) ? PyLong_FromLong(value) : nullptr;
    }
    case kInt32: {
      std::int32_t value;
      return read_number(value) ? PyLong_FromLong(value) : nullptr;
    }
    case kInt64: {
      std::int64_t value;
      return read_number(value) ? PyLong_FromLongLong(value) : nullptr;
    }
    case kIntBig:
      return read_big_int();
    case kFloat: {
      double value;
      return read_number(value) ? PyFloat_FromDouble(value) : nullptr;
    }
    case kComplex:
      return read_complex();
    case kRange:
    case kSlice:
      return read_parts(tag);
    case kAscii:
    case kLatin1:
    case kUcs2:
    case kUcs4:
      return read_str(tag);
    case kBytes:
    case kByteArray:
      return read_bytes(tag);
    case kReference:
      return read_reference();
    default:
      return corrupt_object();
  }
}

PyObject* Decoder::read_ascii(std::size_t length) {
  if (length > bytes_left() || !is_ascii(at_, length)) return corrupt_object();
  const unsigned char* const data = at_;
  at_ += length;
  if (length == 1) return PyUnicode_FromOrdinal(*data);  // the one object that CPython keeps
  PyObject* const str = PyUnicode_New(static_cast<Py_ssize_t>(length), 127);
  if (str != nullptr && length != 0) std::memcpy(PyUnicode_1BYTE_DATA(str), data, length);
  return str;
}

PyObject* Decoder::read_str(unsigned char tag) {
  const std::size_t width = tag == kUcs4 ? 4 : tag == kUcs2 ? 2 : 1;
  std::size_t length;
  bool shared;
  if (!read_header(width, length, shared)) return nullptr;
  if (tag == kAscii) return remember(read_ascii(length), shared);
  const unsigned char* const data = at_;
  at_ += length * width;
  if (width == 1) {
    return remember(PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, data, static_cast<Py_ssize_t>(length)), shared);
  }
  // Wider characters have to be aligned to be read in place, and one beyond Unicode would break CPython: so copy first.
  PyObject* const str = PyUnicode_New(static_cast<Py_ssize_t>(length), width == 2 ? 0xFFFF : 0x10FFFF);
  if (str == nullptr) return nullptr;
  py::Ref guard = py::Ref::steal(str);
  std::memcpy(PyUnicode_DATA(str), data, length * width);
  bool canonical = false;  // some character needs the width
  bool valid = true;
  if (width == 2) {
    const Py_UCS2* const characters = PyUnicode_2BYTE_DATA(str);
    canonical = std::any_of(characters, characters + length, [](Py_UCS2 c) { return c > 0xFF; });
  } else {
    const Py_UCS4* const characters = PyUnicode_4BYTE_DATA(str);
    Py_UCS4 largest = 0;
    for (std::size_t i = 0; i < length; ++i) largest = std::max(largest, characters[i]);
    canonical = largest > 0xFFFF;
    valid = largest <= 0x10FFFF;
  }
  if (!canonical || !valid) return corrupt_object();
  return remember(guard.release(), shared);
}

PyObject* Decoder::read_bytes(unsigned char tag) {
  std::size_t size;
  bool shared;
  if (!read_header(1, size, shared)) return nullptr;
  const char* const data = reinterpret_cast<const char*>(at_);
  at_ += size;
  const auto length = static_cast<Py_ssize_t>(size);
  return remember(
      tag == kBytes ? PyBytes_FromStringAndSize(data, length) : PyByteArray_FromStringAndSize(data, length), shared);
}

PyObject* Decoder::read_big_int() {
  std::size_t size;
  if (!read_varint(size)) return nullptr;
  if (size == 0 || size > bytes_left()) return corrupt_object();
  const unsigned char* const data = at_;
  at_ += size;
  return PyLong_FromNativeBytes(data, size, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
}

PyObject* Decoder::read_complex() {
  std::size_t count;
  bool shared;
  double real;
  double imaginary;
  if (!read_header(1, count, shared) || !read_number(real) || !read_number(imaginary)) return nullptr;
  return remember(PyComplex_FromDoubles(real, imaginary), shared);
}

PyObject* Decoder::read_parts(unsigned char tag) {
  std::size_t count;
  bool shared;
  if (!read_header(1, count, shared)) return nullptr;
  const std::size_t entry = memo_.size();
  if (shared) memo_.push({nullptr, 0, 0});
  py::Ref parts[3];
  for (py::Ref& part : parts) {
    unsigned char part_tag;
    if (!next_tag(part_tag)) return nullptr;
    // Parts have no parts: nothing recurses here or, later, in hashing.
    if (part_tag < kFirstLeaf || part_tag == kRange || part_tag == kSlice) return corrupt_object();
    part = py::Ref::steal(read_leaf(part_tag));
    if (!part) return nullptr;
    if (tag == kRange ? !PyLong_CheckExact(part.get()) : has_parts(part.get())) return corrupt_object();
  }
  PyObject* const object =
      tag == kSlice ? PySlice_New(parts[0].get(), parts[1].get(), parts[2].get())
                    : PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(&PyRange_Type), parts[0].get(),
                                                   parts[1].get(), parts[2].get(), nullptr);
  if (shared) memo_[entry].object = Py_XNewRef(object);
  return object;
}

PyObject* Decoder::read_reference() {
  std::size_t index;
  if (!read_varint(index)) return nullptr;
  if (index >= memo_.size() || memo_[index].object == nullptr) return corrupt_object();
  const Entry& entry = memo_[index];
  if (!frames_.empty()) {
    Frame& frame = frames_.top();
    const bool in_key = frame.in_key || at_key(frame);
    if (entry.open_depth != 0 && (in_key || frame.last_mutable <= entry.open_depth)) {
      const bool is_tuple = PyTuple_CheckExact(entry.object);
      if (is_tuple || in_key) return corrupt_object();
    }
    if (entry.height != 0) {
      if (immutable(frame.tag)) frame.height = std::max(frame.height, entry.height);
      if (at_key(frame) && entry.height > kKeyDepthMax) {
        PyErr_SetString(PyExc_RecursionError, "a key is nested too deep to be hashed");
        return nullptr;
      }
    }
  }
  return Py_NewRef(entry.object);
}

bool Decoder::read_run(unsigned char tag, Frame& frame) {
  unsigned char length;
  if (!next_tag(length)) return false;
  static constexpr std::size_t kWidths[] = {1, 2, 4, 8, 8};
  const std::size_t count = length;
  const std::size_t size = count * kWidths[tag - kInt8Run];
  if (count == 0 || count > frame.left || size > bytes_left()) return corrupt();
  const unsigned char* const data = at_;
  PyObject** const items = frame.items;
  at_ += size;
  frame.left -= count;
  frame.items += count;
  switch (tag) {
    case kInt8Run:
      return place_ints<std::int8_t>(data, count, items);
    case kInt16Run:
      return place_ints<std::int16_t>(data, count, items);
    case kInt32Run:
      return place_ints<std::int32_t>(data, count, items);
    case kInt64Run:
      return place_ints<std::int64_t>(data, count, items);
    default:
      return place_floats(data, count, items);
  }
}

// Requires: the top frame, if any, has already counted the new container off its `left`.
Decoder::Step Decoder::open(unsigned char tag) {
  std::size_t count;
  bool shared;
  if (!read_header(1, count, shared)) return Step::kFailed;
  Frame* const parent = frames_.empty() ? nullptr : &frames_.top();
  const std::size_t values = tag == kDict ? 2 * count : count;
  const std::size_t owed = owed_ + (parent == nullptr ? 0 : parent->left);
  const bool is_key = parent != nullptr && at_key(*parent);
  const bool in_key = is_key || (parent != nullptr && parent->in_key);
  if (bytes_left() < owed || values > bytes_left() - owed || (in_key && !immutable(tag))) {
    corrupt();
    return Step::kFailed;
  }
  py::Ref object;
  PyObject** items = nullptr;
  const auto size = static_cast<Py_ssize_t>(count);
  switch (tag) {
    case kList:
      object = py::Ref::steal(PyList_New(size));
      if (object) items = reinterpret_cast<PyListObject*>(object.get())->ob_item;
      break;
    case kTuple:
      object = py::Ref::steal(PyTuple_New(size));
      if (object) items = reinterpret_cast<PyTupleObject*>(object.get())->ob_item;
      break;
    case kDict:
      object = py::Ref::steal(PyDict_New());
      break;
    case kSet:
      object = py::Ref::steal(PySet_New(nullptr));
      break;
    default:
      object = py::Ref::steal(PyFrozenSet_New(nullptr));
      break;
  }
  if (!object) return Step::kFailed;

  const std::size_t depth = frames_.size() + 1;
  const bool open = count != 0;
  const bool owned = open && (is_key || tag == kFrozenset);
  Frame frame{.tag = tag,
              .owned = owned,
              .in_key = in_key,
              .height = 0,
              .object = object.get(),
              .items = items,
              .left = values,
              .key = nullptr,
              .memo = kNoEntry,
              .last_mutable = !immutable(tag) ? depth : parent == nullptr ? 0 : parent->last_mutable};
  if (shared) {
    frame.memo = memo_.size();
    const bool hidden = open && tag == kFrozenset;
    memo_.push({hidden ? nullptr : object.get(), open ? depth : 0, !open && immutable(tag) ? 1U : 0U});
    if (!hidden) Py_INCREF(object.get());
  }
  const std::size_t parent_left = parent == nullptr ? 0 : parent->left;
  if (!owned && !place(object.release(), open ? 0 : 1)) return Step::kFailed;
  if (!open) return Step::kDone;
  frames_.push(frame);
  (void)object.release();  // if it is still here, the frame owns it
  owed_ += parent_left;
  return Step::kOpened;
}

bool Decoder::close() {
  const Frame frame = frames_.top();
  const std::uint32_t height = immutable(frame.tag) ? frame.height + 1 : 0;
  if (frame.memo != kNoEntry) {
    Entry& entry = memo_[frame.memo];
    entry.open_depth = 0;
    entry.height = height;
    if (entry.object == nullptr) entry.object = Py_NewRef(frame.object);
  }
  frames_.pop();
  if (!frames_.empty()) owed_ -= frames_.top().left;
  if (frame.owned) return place(frame.object, height);
  if (!frames_.empty()) frames_.top().height = std::max(frames_.top().height, height);
  return true;
}

bool Decoder::place(PyObject* object, std::uint32_t height) {
  if (frames_.empty()) {
    root_ = object;
    return true;
  }
  Frame& frame = frames_.top();
  switch (frame.tag) {
    case kList:
    case kTuple:
      *frame.items++ = object;
      frame.height = std::max(frame.height, height);
      return true;
    case kDict: {
      if (frame.left % 2 == 0) {
        PyObject* const key = std::exchange(frame.key, nullptr);
        const int failed = PyDict_SetItem(frame.object, key, object);
        Py_DECREF(key);
        Py_DECREF(object);
        return failed == 0;
      }
      frame.key = object;
      break;
    }
    default:
      break;
  }
  if (height > kKeyDepthMax) {
    PyErr_SetString(PyExc_RecursionError, "a key is nested too deep to be hashed");
    if (frame.tag != kDict) Py_DECREF(object);
    return false;
  }
  if (frame.tag == kDict) return true;
  frame.height = std::max(frame.height, height);
  const int failed = PySet_Add(frame.object, object);
  Py_DECREF(object);
  return failed == 0;
}

Decoder::Step Decoder::fill_sequence() {
  Frame& frame = frames_.top();
  while (frame.left != 0) {
    unsigned char tag;
    if (!next_tag(tag)) return Step::kFailed;
    if (tag >= kInt8Run && tag <= kLastRun) {
      if (!read_run(tag, frame)) return Step::kFailed;
      continue;
    }
    --frame.left;
    if (tag < kFirstLeaf) {
      const Step step = open(tag);
      if (step != Step::kDone) return step;
      continue;
    }
    PyObject* const item = read_leaf(tag);
    if (item == nullptr) return Step::kFailed;
    *frame.items++ = item;
  }
  return Step::kDone;
}

Decoder::Step Decoder::fill_dict() {
  Frame& frame = frames_.top();
  while (frame.left != 0) {
    unsigned char tag;
    if (!next_tag(tag)) return Step::kFailed;
    --frame.left;
    if (tag < kFirstLeaf) {
      const Step step = open(tag);
      if (step != Step::kDone) return step;
      continue;
    }
    PyObject* const object = read_leaf(tag);
    if (object == nullptr) return Step::kFailed;
    if (frame.left % 2 != 0) {
      frame.key = object;
      continue;
    }
    PyObject* const key = std::exchange(frame.key, nullptr);
    const int failed = PyDict_SetItem(frame.object, key, object);
    Py_DECREF(key);
    Py_DECREF(object);
    if (failed != 0) return Step::kFailed;
  }
  return Step::kDone;
}

Decoder::Step Decoder::fill_set() {
  Frame& frame = frames_.top();
  while (frame.left != 0) {
    unsigned char tag;
    if (!next_tag(tag)) return Step::kFailed;
    --frame.left;
    if (tag < kFirstLeaf) {
      const Step step = open(tag);
      if (step != Step::kDone) return step;
      continue;
    }
    PyObject* const element = read_leaf(tag);
    if (element == nullptr) return Step::kFailed;
    const int failed = PySet_Add(frame.object, element);
    Py_DECREF(element);
    if (failed != 0) return Step::kFailed;
  }
  return Step::kDone;
}

}  // namespace aiointerpreters::codec
