// Casts methods with newer calling conventions for a PyMethodDef, whose member has the type of the oldest convention.
#pragma once

#include "py/python.h"

namespace aiointerpreters::py {

template <typename Function>
PyCFunction as_method(Function* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

}  // namespace aiointerpreters::py
