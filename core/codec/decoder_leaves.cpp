// The decoder's leaves: values without parts, references and runs; see decoder.h.
#include <algorithm>
#include <cstring>
#include <utility>

#include "codec/decoder.h"
#include "codec/format.h"
#include "codec/slice_parts.h"

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

bool place_run(unsigned char tag, const unsigned char* data, std::size_t count, PyObject** items) {
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

}  // namespace

PyObject* Decoder::remember(PyObject* object, bool shared) {
  if (object == nullptr || !shared) return object;
  py::Ref guard = py::Ref::steal(object);
  memo_.push({object, 0, 0});
  return Py_NewRef(guard.release());
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
    case kAttachment:
    case kPart:
      return read_outside(tag);
    default:
      return corrupt_object();
  }
}

PyObject* Decoder::read_ascii(std::size_t length) {
  if (length > bytes_left() || !is_ascii(at_, length)) return corrupt_object();
  const unsigned char* const data = at_;
  at_ += length;
  if (length == 1) return PyUnicode_FromOrdinal(*data);  // CPython keeps one object for each of these characters
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
  // Copies first: wider characters have to be aligned to be read in place. A character beyond Unicode would break CPython.
  PyObject* const str = PyUnicode_New(static_cast<Py_ssize_t>(length), width == 2 ? 0xFFFF : 0x10FFFF);
  if (str == nullptr) return nullptr;
  py::Ref guard = py::Ref::steal(str);
  std::memcpy(PyUnicode_DATA(str), data, length * width);
  bool canonical = false;  // a character needs this width
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
  if (tag == kByteArray) return remember(PyByteArray_FromStringAndSize(data, length), shared);
  // Always a new object, as in unpickling, although CPython keeps one for each single byte.
  PyObject* const bytes = PyBytes_FromStringAndSize(nullptr, length);
  if (bytes != nullptr && size != 0) std::memcpy(PyBytes_AS_STRING(bytes), data, size);
  return remember(bytes, shared);
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
    // The parts of a slice have no parts of their own, so neither this code nor hashing recurses.
    if (is_container(part_tag) || part_tag == kRange || part_tag == kSlice) return corrupt_object();
    part = py::Ref::steal(read_leaf(part_tag));
    if (!part) return nullptr;
    if (tag == kRange ? !PyLong_CheckExact(part.get()) : has_parts(part.get())) return corrupt_object();
  }
  PyObject* const object = tag == kSlice
                               ? PySlice_New(parts[0].get(), parts[1].get(), parts[2].get())
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
      const bool is_instance = frames_[entry.open_depth - 1].tag == kInstance;
      if (!is_instance && (PyTuple_CheckExact(entry.object) || in_key)) return corrupt_object();
    }
    if (entry.height != 0) {
      if (immutable(frame.tag)) frame.height = std::max(frame.height, entry.height);
      if (at_key(frame) && entry.height > kKeyDepthMax) {
        PyErr_SetString(PyExc_RecursionError, "a dict key or set item is nested too deeply to be hashed");
        return nullptr;
      }
    }
  }
  return Py_NewRef(entry.object);
}

PyObject* Decoder::read_outside(unsigned char tag) {
  std::size_t index;
  if (!read_varint(index)) return nullptr;
  if (parts_ == nullptr) return corrupt_object();
  return tag == kPart ? parts_->part(index) : parts_->attachment(index);
}

bool Decoder::read_run(unsigned char tag, Frame& frame) {
  unsigned char length;
  if (!next_tag(length)) return false;
  static constexpr std::size_t kWidths[] = {1, 2, 4, 8, 8};
  const std::size_t count = length;
  const std::size_t size = count * kWidths[tag - kInt8Run];
  if (count == 0 || count > frame.left || size > bytes_left()) return corrupt();
  const unsigned char* const data = at_;
  at_ += size;
  frame.left -= count;
  if (frame.items != nullptr) {
    PyObject** const items = std::exchange(frame.items, frame.items + count);
    return place_run(tag, data, count, items);
  }
  PyObject* items[kRunMax] = {};
  bool done = place_run(tag, data, count, items);
  for (std::size_t i = 0; i < count; ++i) {
    done = done && PyList_Append(frame.object, items[i]) == 0;
    Py_XDECREF(items[i]);
  }
  return done;
}

}  // namespace aiointerpreters::codec
