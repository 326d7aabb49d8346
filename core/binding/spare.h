// The spare of a call: the tuple with all that is needed to run it elsewhere. elsewhere.cpp makes it, and _elsewhere.Spare
// names its items for Python code, in the same order.
#pragma once

#include <cstdint>

#include "py/python.h"

namespace aiointerpreters::binding {

enum class SpareItem : std::uint8_t {
  kElsewhere,
  kInProcess,
  kKey,
  kFn,
  kArgs,
  kKwargs,
  kInRows,
  kIsCoroutineFunction,
  kContext,
  kValues,
};
constexpr Py_ssize_t kSpareItems = 10;

// Borrows.
[[nodiscard]] inline PyObject* spare_item(PyObject* spare, SpareItem item) noexcept {
  return PyTuple_GET_ITEM(spare, static_cast<Py_ssize_t>(item));
}

}  // namespace aiointerpreters::binding
