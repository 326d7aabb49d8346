// The encoder; see encoder.h for its contract and format.h for what it writes.
#include "codec/encoder.h"

#include <algorithm>
#include <cstring>

#include "codec/format.h"
#include "codec/slice_parts.h"

namespace aiointerpreters::codec {

namespace {

// Whether an object that a container in the graph holds may be met a second time. Containers hold strong references, so one
// that is held by two places of the graph has a count of at least two. References that CPython only borrows (the evaluation
// stack of 3.14, the arguments of a call) are none that a container holds, so they cannot lower that count. They do matter
// at the roots: in f(x, x) both may be borrowed from one local variable. Roots therefore always count as shared.
bool may_be_shared(PyObject* object) { return Py_REFCNT(object) != 1; }

PyObject* const* items_of_list(PyObject* list) { return reinterpret_cast<PyListObject*>(list)->ob_item; }
PyObject* const* items_of_tuple(PyObject* tuple) { return reinterpret_cast<PyTupleObject*>(tuple)->ob_item; }

// Returns false if the int does not fit.
bool as_int64(PyObject* number, std::int64_t& value) {
  auto* digits = reinterpret_cast<PyLongObject*>(number);
  if (PyUnstable_Long_IsCompact(digits)) {
    value = PyUnstable_Long_CompactValue(digits);
    return true;
  }
  int overflow = 0;
  value = PyLong_AsLongLongAndOverflow(number, &overflow);
  return overflow == 0;
}

template <typename Narrow>
unsigned char* copy_narrowed(unsigned char* at, const std::int64_t* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto narrow = static_cast<Narrow>(values[i]);
    std::memcpy(at + i * sizeof(Narrow), &narrow, sizeof(Narrow));
  }
  return at + count * sizeof(Narrow);
}

}  // namespace

Encoder::Encoder(base::Bytes& out, Parts& parts) noexcept
    : out_(out), parts_(parts), at_(out.data() + out.size()), limit_(out.data() + out.size() + out.room()) {}

Encoder::~Encoder() {
  for (const Frame& frame : frames_) {
    if (frame.kind == Frame::Kind::kSet) Py_DECREF(frame.other);
  }
}

void Encoder::finish() noexcept { out_.advance(static_cast<std::size_t>(at_ - (out_.data() + out_.size()))); }

void Encoder::grow(std::size_t size) {
  finish();
  at_ = out_.reserve(size);
  limit_ = at_ + out_.room();
}

void Encoder::write_varint(std::size_t number) {
  (void)room(kVarintMax);
  put_varint(number);
}

void Encoder::put_varint(std::size_t number) noexcept {
  while (number >= 0x80) {
    *at_++ = static_cast<unsigned char>(number | 0x80);
    number >>= 7;
  }
  *at_++ = static_cast<unsigned char>(number);
}

void Encoder::write_header(unsigned char tag, std::size_t count, bool shared) {
  *room(1 + kVarintMax) = tag;
  ++at_;
  put_varint(count << 1 | (shared ? 1 : 0));
}

void Encoder::write_tagged(unsigned char tag, std::size_t index) {
  *room(1 + kVarintMax) = tag;
  ++at_;
  put_varint(index);
}

bool Encoder::write_reference(PyObject* object) {
  if (parts_.any_crossing()) {
    const std::size_t part = parts_.find_crossing(object);
    if (part != Parts::kNone) return write_tagged(kPart, part), true;
  }
  const std::size_t index = memo_.find_or_add(object);
  if (index == Memo::kNew) return false;
  write_tagged(kReference, index);
  return true;
}

bool Encoder::write_attached(PyObject* object) {
  const std::size_t index = parts_.attach(object);
  if (index == Parts::kNone) return false;
  write_tagged(kAttachment, index);
  return true;
}

Encoder::Step Encoder::write_part(PyObject* object) {
  const std::size_t index = parts_.add(object);
  if (index == Parts::kNone) return Step::kFailed;
  for (std::size_t i = frames_.size(); i > 0 && !frames_[i - 1].watched; --i) {
    frames_[i - 1].watched = true;
    parts_.watch(frames_[i - 1].container);
  }
  write_tagged(kPart, index);
  return Step::kWritten;
}

bool Encoder::write(PyObject* value) {
  Step step = write_one(value, true);
  while (step == Step::kOpened || (step == Step::kWritten && !frames_.empty())) {
    switch (frames_.top().kind) {
      case Frame::Kind::kSequence:
        step = fill_sequence();
        break;
      case Frame::Kind::kDict:
        step = fill_dict();
        break;
      case Frame::Kind::kRecord:
        step = fill_record();
        break;
      case Frame::Kind::kSet:
        step = fill_set();
        break;
    }
  }
  return step != Step::kFailed;
}

Encoder::Step Encoder::write_one(PyObject* object, bool shared) {
  PyTypeObject* const type = Py_TYPE(object);
  if (type == &PyUnicode_Type) return write_str(object, shared);
  if (type == &PyLong_Type) {
    std::int64_t value;
    if (!as_int64(object, value)) return write_big_int(object);
    write_int(value);
    return Step::kWritten;
  }
  if (type == &PyFloat_Type) {
    write_float(PyFloat_AS_DOUBLE(object));
    return Step::kWritten;
  }
  if (type == &PyDict_Type) return open_dict(object, shared);
  if (type == &PyList_Type) {
    return open_sequence(kList, object, items_of_list(object), PyList_GET_SIZE(object), shared);
  }
  if (type == &PyTuple_Type) {
    // The empty tuple is one object in each interpreter.
    return open_sequence(kTuple, object, items_of_tuple(object), PyTuple_GET_SIZE(object),
                         shared && PyTuple_GET_SIZE(object) != 0);
  }
  return write_other(object, shared);
}

Encoder::Step Encoder::write_other(PyObject* object, bool shared) {
  PyTypeObject* const type = Py_TYPE(object);
  unsigned char constant;
  if (object == Py_None) {
    constant = kNone;
  } else if (object == Py_True) {
    constant = kTrue;
  } else if (object == Py_False) {
    constant = kFalse;
  } else if (object == Py_Ellipsis) {
    constant = kEllipsis;
  } else if (object == Py_NotImplemented) {
    constant = kNotImplemented;
  } else if (type == &PyBytes_Type) {
    const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(object));
    if (size >= kHeldMin && write_attached(object)) return Step::kWritten;
    // CPython keeps one object for empty bytes; those of length 1, too, but unpickling makes new ones.
    return write_data(kBytes, PyBytes_AS_STRING(object), size, object, shared && size != 0);
  } else if (type == &PyByteArray_Type) {
    return write_data(kByteArray, PyByteArray_AS_STRING(object), static_cast<std::size_t>(PyByteArray_GET_SIZE(object)),
                      object, shared);
  } else if (type == &PySet_Type) {
    return open_set(kSet, object, shared);
  } else if (type == &PyFrozenSet_Type) {
    return open_set(kFrozenset, object, shared);
  } else if (type == &PyComplex_Type) {
    const Py_complex value = PyComplex_AsCComplex(object);
    const double parts[2] = {value.real, value.imag};
    if (shared && write_reference(object)) return Step::kWritten;
    write_header(kComplex, 0, shared);
    std::memcpy(room(sizeof parts), parts, sizeof parts);
    at_ += sizeof parts;
    return Step::kWritten;
  } else if (type == &PyRange_Type) {
    return write_range(object, shared);
  } else if (type == &PySlice_Type) {
    return write_slice(object, shared);
  } else {
    return write_attached(object) ? Step::kWritten : write_part(object);
  }
  *room(1) = constant;
  ++at_;
  return Step::kWritten;
}

void Encoder::write_int(std::int64_t value) {
  unsigned char* at = room(1 + sizeof value);
  if (value >= kSmallIntMin && value <= kSmallIntMax) {
    *at = static_cast<unsigned char>(kSmallInt + value + kSmallIntBias);
    at_ = at + 1;
  } else if (value == static_cast<std::int16_t>(value)) {
    *at = kInt16;
    at_ = copy_narrowed<std::int16_t>(at + 1, &value, 1);
  } else if (value == static_cast<std::int32_t>(value)) {
    *at = kInt32;
    at_ = copy_narrowed<std::int32_t>(at + 1, &value, 1);
  } else {
    *at = kInt64;
    at_ = copy_narrowed<std::int64_t>(at + 1, &value, 1);
  }
}

void Encoder::write_float(double value) {
  unsigned char* at = room(1 + sizeof value);
  *at = kFloat;
  std::memcpy(at + 1, &value, sizeof value);
  at_ = at + 1 + sizeof value;
}

Encoder::Step Encoder::write_big_int(PyObject* number) {
  const Py_ssize_t size = PyLong_AsNativeBytes(number, nullptr, 0, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
  if (size < 0) return Step::kFailed;
  unsigned char* at = room(1 + kVarintMax + static_cast<std::size_t>(size));
  *at = kIntBig;
  ++at_;
  put_varint(static_cast<std::size_t>(size));
  if (PyLong_AsNativeBytes(number, at_, size, Py_ASNATIVEBYTES_LITTLE_ENDIAN) < 0) return Step::kFailed;
  at_ += size;
  return Step::kWritten;
}

Encoder::Step Encoder::write_str(PyObject* str, bool shared) {
  const auto length = static_cast<std::size_t>(PyUnicode_GET_LENGTH(str));
  const auto width = static_cast<std::size_t>(PyUnicode_KIND(str));
  if (length * width >= kHeldMin && write_attached(str)) return Step::kWritten;
  // CPython keeps one object for the empty string and for each of the first 256 characters.
  shared = shared && (length > 1 || width > 1);
  if (shared && write_reference(str)) return Step::kWritten;
  if (PyUnicode_IS_ASCII(str)) {
    if (length <= kShortAsciiMax) {
      unsigned char* at = room(1 + kShortAsciiMax);
      *at = static_cast<unsigned char>((shared ? kShortAsciiShared : kShortAscii) + length);
      std::memcpy(at + 1, PyUnicode_DATA(str), length);
      at_ = at + 1 + length;
      return Step::kWritten;
    }
    write_header(kAscii, length, shared);
  } else {
    write_header(width == 1 ? kLatin1 : width == 2 ? kUcs2 : kUcs4, length, shared);
  }
  std::memcpy(room(length * width), PyUnicode_DATA(str), length * width);
  at_ += length * width;
  return Step::kWritten;
}

Encoder::Step Encoder::write_data(unsigned char tag, const void* data, std::size_t size, PyObject* object, bool shared) {
  if (shared && write_reference(object)) return Step::kWritten;
  write_header(tag, size, shared);
  if (size != 0) std::memcpy(room(size), data, size);
  at_ += size;
  return Step::kWritten;
}

Encoder::Step Encoder::write_range(PyObject* range, bool shared) {
  if (shared && write_reference(range)) return Step::kWritten;
  write_header(kRange, 0, shared);
  for (const char* name : {"start", "stop", "step"}) {
    const py::Ref number = py::Ref::steal(PyObject_GetAttrString(range, name));
    if (!number) return Step::kFailed;
    const Step step = write_one(number.get(), false);
    if (step != Step::kWritten) return step;
  }
  return Step::kWritten;
}

// A slice cannot be made before its parts, which are written without a frame: with compound ones it is left to pickle.
Encoder::Step Encoder::write_slice(PyObject* slice, bool shared) {
  const auto* parts = reinterpret_cast<PySliceObject*>(slice);
  if (has_parts(parts->start) || has_parts(parts->stop) || has_parts(parts->step)) return write_part(slice);
  if (shared && write_reference(slice)) return Step::kWritten;
  write_header(kSlice, 0, shared);
  for (PyObject* part : {parts->start, parts->stop, parts->step}) {
    const Step step = write_one(part, may_be_shared(part));
    if (step != Step::kWritten) return step;
  }
  return Step::kWritten;
}

void Encoder::push_frame(Frame::Kind kind, PyObject* container, PyObject* const* items, Py_ssize_t count, PyObject* other) {
  Frame& frame = frames_.emplace();
  frame.kind = kind;
  frame.watched = false;
  frame.container = container;
  frame.items = items;
  frame.next = 0;
  frame.count = count;
  frame.other = other;
}

Encoder::Step Encoder::open_sequence(unsigned char tag, PyObject* object, PyObject* const* items, Py_ssize_t count,
                                     bool shared) {
  if (shared && write_reference(object)) return Step::kWritten;
  write_header(tag, static_cast<std::size_t>(count), shared);
  if (count == 0) return Step::kWritten;
  push_frame(Frame::Kind::kSequence, object, items, count, nullptr);
  return Step::kOpened;
}

Encoder::Step Encoder::open_dict(PyObject* dict, bool shared) {
  if (shared && write_reference(dict)) return Step::kWritten;
  if (!frames_.empty()) {
    const std::size_t known = shapes_.size();
    const std::size_t shape = shapes_.find(dict);
    if (shape != Shapes::kNone) return open_record(dict, shape, shape == known, shared);
  }
  const Py_ssize_t count = PyDict_GET_SIZE(dict);
  write_header(kDict, static_cast<std::size_t>(count), shared);
  if (count == 0) return Step::kWritten;
  push_frame(Frame::Kind::kDict, dict, nullptr, count, nullptr);
  return Step::kOpened;
}

Encoder::Step Encoder::open_record(PyObject* dict, std::size_t shape, bool is_new, bool shared) {
  const Py_ssize_t count = PyDict_GET_SIZE(dict);
  write_header(kRecord, shape, shared);
  if (is_new) {
    write_varint(static_cast<std::size_t>(count));
    Py_ssize_t position = 0;
    PyObject* key;
    while (PyDict_Next(dict, &position, &key, nullptr) != 0) {
      const Step step = write_str(key, may_be_shared(key));
      if (step != Step::kWritten) return step;
    }
  }
  push_frame(Frame::Kind::kRecord, dict, nullptr, count, nullptr);
  return Step::kOpened;
}

Encoder::Step Encoder::open_set(unsigned char tag, PyObject* set, bool shared) {
  if (shared && write_reference(set)) return Step::kWritten;
  const Py_ssize_t count = PySet_GET_SIZE(set);
  write_header(tag, static_cast<std::size_t>(count), shared);
  if (count == 0) return Step::kWritten;
  py::Ref iterator = py::Ref::steal(PyObject_GetIter(set));
  if (!iterator) return Step::kFailed;
  push_frame(Frame::Kind::kSet, set, nullptr, count, iterator.get());
  (void)iterator.release();  // the frame owns it
  return Step::kOpened;
}

Encoder::Step Encoder::fill_sequence() {
  const std::size_t depth = frames_.size() - 1;
  PyObject* const* const items = frames_.top().items;
  const Py_ssize_t count = frames_.top().count;
  Py_ssize_t i = frames_.top().next;
  while (i < count) {
    PyObject* const item = items[i];
    if (PyLong_CheckExact(item)) {
      const Py_ssize_t written = write_ints(items + i, count - i);
      if (written != 0) {
        i += written;
        continue;
      }
    } else if (PyFloat_CheckExact(item)) {
      i += write_floats(items + i, count - i);
      continue;
    }
    ++i;
    const Step step = write_one(item, may_be_shared(item));
    if (step == Step::kWritten) continue;
    frames_[depth].next = i;
    return step;
  }
  frames_.pop();
  return Step::kWritten;
}

Py_ssize_t Encoder::write_ints(PyObject* const* items, Py_ssize_t count) {
  std::int64_t values[kRunMax];
  const auto most = std::min(static_cast<std::size_t>(count), kRunMax);
  std::int64_t magnitudes = 0;  // their or has as many bits as the largest
  std::size_t length = 0;
  for (; length < most; ++length) {
    std::int64_t value;
    if (!PyLong_CheckExact(items[length]) || !as_int64(items[length], value)) break;
    values[length] = value;
    magnitudes |= value ^ (value >> 63);
  }
  if (length < kRunMin) {
    for (std::size_t i = 0; i < length; ++i) write_int(values[i]);
    return static_cast<Py_ssize_t>(length);
  }
  unsigned char* at = room(2 + length * sizeof(std::int64_t));
  at[1] = static_cast<unsigned char>(length);
  if (magnitudes <= INT8_MAX) {
    at[0] = kInt8Run;
    at_ = copy_narrowed<std::int8_t>(at + 2, values, length);
  } else if (magnitudes <= INT16_MAX) {
    at[0] = kInt16Run;
    at_ = copy_narrowed<std::int16_t>(at + 2, values, length);
  } else if (magnitudes <= INT32_MAX) {
    at[0] = kInt32Run;
    at_ = copy_narrowed<std::int32_t>(at + 2, values, length);
  } else {
    at[0] = kInt64Run;
    at_ = copy_narrowed<std::int64_t>(at + 2, values, length);
  }
  return static_cast<Py_ssize_t>(length);
}

Py_ssize_t Encoder::write_floats(PyObject* const* items, Py_ssize_t count) {
  const auto most = std::min(static_cast<std::size_t>(count), kRunMax);
  unsigned char* const head = room(2 + most * (1 + sizeof(double)));
  unsigned char* at = head + 2;
  std::size_t length = 0;
  for (; length < most && PyFloat_CheckExact(items[length]); ++length) {
    const double value = PyFloat_AS_DOUBLE(items[length]);
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  }
  if (length < kRunMin) {
    for (std::size_t i = 0; i < length; ++i) write_float(PyFloat_AS_DOUBLE(items[i]));
  } else {
    head[0] = kFloatRun;
    head[1] = static_cast<unsigned char>(length);
    at_ = at;
  }
  return static_cast<Py_ssize_t>(length);
}

Encoder::Step Encoder::fill_dict() {
  const std::size_t depth = frames_.size() - 1;
  PyObject* const dict = frames_.top().container;
  Py_ssize_t position = frames_.top().next;
  PyObject* key;
  PyObject* value = frames_.top().other;
  for (;;) {
    if (value == nullptr) {
      if (!PyDict_Next(dict, &position, &key, &value)) break;
      const Step step = write_one(key, may_be_shared(key));
      if (step != Step::kWritten) {
        frames_[depth].next = position;
        frames_[depth].other = value;
        return step;
      }
    }
    const Step step = write_one(value, may_be_shared(value));
    value = nullptr;
    if (step != Step::kWritten) {
      frames_[depth].next = position;
      frames_[depth].other = nullptr;
      return step;
    }
  }
  frames_.pop();
  return Step::kWritten;
}

Encoder::Step Encoder::fill_record() {
  const std::size_t depth = frames_.size() - 1;
  PyObject* const dict = frames_.top().container;
  Py_ssize_t position = frames_.top().next;
  PyObject* value;
  while (PyDict_Next(dict, &position, nullptr, &value) != 0) {
    const Step step = write_one(value, may_be_shared(value));
    if (step != Step::kWritten) {
      frames_[depth].next = position;
      return step;
    }
  }
  frames_.pop();
  return Step::kWritten;
}

Encoder::Step Encoder::fill_set() {
  PyObject* const iterator = frames_.top().other;
  while (PyObject* const element = PyIter_Next(iterator)) {
    Py_DECREF(element);  // the set keeps it; only its own references may count in may_be_shared
    const Step step = write_one(element, may_be_shared(element));
    if (step != Step::kWritten) return step;
  }
  if (PyErr_Occurred() != nullptr) return Step::kFailed;
  frames_.pop();
  Py_DECREF(iterator);
  return Step::kWritten;
}

}  // namespace aiointerpreters::codec
