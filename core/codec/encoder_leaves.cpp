// The encoder's leaves: values without parts, runs, and objects of all other types; see encoder.h.
#include <algorithm>
#include <cstring>

#include "codec/encoder.h"
#include "codec/format.h"
#include "codec/slice_parts.h"

namespace aiointerpreters::codec {

namespace {

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

// Whether objects of a type may be encoded as instances (class_plans.h), which opens a frame.
bool may_be_instance(PyTypeObject* type) noexcept {
  return PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) != 0 && type->tp_new == PyBaseObject_Type.tp_new;
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
    return write_data(kBytes, PyBytes_AS_STRING(object), size, object, shared);
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
    if (write_known(object, shared)) return Step::kWritten;
    write_header(kComplex, 0, shared);
    std::memcpy(room(sizeof parts), parts, sizeof parts);
    at_ += sizeof parts;
    return Step::kWritten;
  } else if (type == &PyRange_Type) {
    return write_range(object, shared);
  } else if (type == &PySlice_Type) {
    return write_slice(object, shared);
  } else {
    if (may_be_instance(type)) return open_instance(object, shared);
    // A PickleBuffer is left to pickle, which may store it inside the pickle.
    return !PyPickleBuffer_Check(object) && write_attached(object) ? Step::kWritten : write_part(object);
  }
  *room(1) = constant;
  ++at_;
  return Step::kWritten;
}

Encoder::Step Encoder::write_long(PyObject* number) {
  std::int64_t value;
  if (!as_int64(number, value)) return write_big_int(number);
  write_int(value);
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
  const bool has_identity = length > 1 || width > 1;
  if (has_identity && write_known(str, shared)) return Step::kWritten;
  shared = shared && has_identity;
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
  // CPython keeps one object for empty bytes. It also keeps one for each single byte, but unpickling creates new ones.
  const bool has_identity = tag != kBytes || size != 0;
  if (has_identity && write_known(object, shared)) return Step::kWritten;
  write_header(tag, size, shared && has_identity);
  if (size != 0) std::memcpy(room(size), data, size);
  at_ += size;
  return Step::kWritten;
}

Encoder::Step Encoder::write_range(PyObject* range, bool shared) {
  if (write_known(range, shared)) return Step::kWritten;
  write_header(kRange, 0, shared);
  for (const char* name : {"start", "stop", "step"}) {
    const py::Ref number = py::Ref::steal(PyObject_GetAttrString(range, name));
    if (!number) return Step::kFailed;
    const Step step = write_one(number.get(), false);
    if (step != Step::kWritten) return step;
  }
  return Step::kWritten;
}

// A slice cannot be created before its parts, and these are written without a frame. So a slice with compound parts is left
// to pickle.
Encoder::Step Encoder::write_slice(PyObject* slice, bool shared) {
  const auto* parts = reinterpret_cast<PySliceObject*>(slice);
  for (PyObject* const part : {parts->start, parts->stop, parts->step}) {
    if (has_parts(part) || may_be_instance(Py_TYPE(part))) return write_part(slice);
  }
  if (write_known(slice, shared)) return Step::kWritten;
  write_header(kSlice, 0, shared);
  for (PyObject* part : {parts->start, parts->stop, parts->step}) {
    const Step step = write_one(part, may_be_shared(part));
    if (step != Step::kWritten) return step;
  }
  return Step::kWritten;
}

Py_ssize_t Encoder::write_ints(PyObject* const* items, Py_ssize_t count) {
  std::int64_t values[kRunMax];
  const auto most = std::min(static_cast<std::size_t>(count), kRunMax);
  std::int64_t magnitudes = 0;  // the bitwise or of all magnitudes has as many bits as the largest
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

}  // namespace aiointerpreters::codec
