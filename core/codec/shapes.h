// Shapes: the keys of recently written dicts, so that a dict with the same keys need not repeat them. Most dicts in large
// data are rows of a table. Only the latest shapes are known. The first key determines the place of a shape. Holds no
// references: keys live as long as the graph. Owner: one encoder. Thread: its owner's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "codec/format.h"
#include "py/python.h"

namespace aiointerpreters::codec {

class Shapes {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  Shapes() noexcept = default;
  Shapes(const Shapes&) = delete;
  Shapes& operator=(const Shapes&) = delete;

  // The number of the dict's shape, if the previous dict in its place has the same keys; otherwise kNone. If the number
  // equals the previous `size`, it is new, and the keys have to be written. `is_written(key)`: whether the key already has
  // its final form in the message. It may not have it if the previous dict contains this one and is not written to its end.
  // Then the shape gets no number, because the reader would meet the keys of the new shape before the rest of that dict,
  // and would count them in another order. Requires: attached. No Python runs.
  template <typename IsWritten>
  [[nodiscard]] std::size_t find(PyObject* dict, IsWritten&& is_written) noexcept {
    const auto count = static_cast<std::size_t>(PyDict_GET_SIZE(dict));
    if (count == 0 || count > kShapeMax) return kNone;
    Py_ssize_t position = 0;
    PyObject* key;
    if (PyDict_Next(dict, &position, &key, nullptr) == 0) return kNone;
    Shape& shape = shapes_[(reinterpret_cast<std::uintptr_t>(key) >> 4) % kPlaces];
    std::size_t same = 0;
    if (shape.count == count) {
      while (shape.keys[same] == key) {
        ++same;
        if (same == count || PyDict_Next(dict, &position, &key, nullptr) == 0) break;
      }
    }
    if (same != count) return remember(dict, count, shape), kNone;
    if (shape.number == kNone) {
      if (!std::all_of(shape.keys, shape.keys + count, is_written)) return kNone;
      shape.number = size_++;
    }
    return shape.number;
  }
  // The number of shapes that have a number.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t kPlaces = 4;
  struct Shape {
    std::size_t count = 0;
    std::size_t number;
    PyObject* keys[kShapeMax];
  };

  static void remember(PyObject* dict, std::size_t count, Shape& shape) noexcept {
    shape.count = 0;
    shape.number = kNone;
    Py_ssize_t position = 0;
    PyObject* key;
    for (std::size_t i = 0; i < count && PyDict_Next(dict, &position, &key, nullptr) != 0; ++i) {
      if (!PyUnicode_CheckExact(key)) return;
      shape.keys[i] = key;
    }
    shape.count = count;
  }

  std::size_t size_ = 0;
  Shape shapes_[kPlaces];
};

}  // namespace aiointerpreters::codec
