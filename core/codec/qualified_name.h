// Follows a qualified name as pickle does, and unwraps the tag if the name leads to a tagged callable.
// Requires: attached. Runs Python.
#pragma once

#include <string_view>

#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether this is the module name of home's script. In a worker's interpreter the script is `__mp_main__`. Tasks may have
// pools, so such an interpreter can also be a home.
[[nodiscard]] inline bool is_main(std::string_view module) noexcept {
  return module == "__main__" || module == "__mp_main__";
}
// Follows the dotted `qualname` from `object` (null stays null). Returns new; null with AttributeError set.
[[nodiscard]] py::Ref follow(py::Ref object, std::string_view qualname);
// A tagged object's callable, any other object itself (null stays null). Returns new.
[[nodiscard]] py::Ref without_tag(const Runtime& runtime, py::Ref callable);
// Whether the name of a bound method leads to it from the object that it is bound to, as pickle assumes. False for
// types.MethodType(function, 5), and for methods that a class has under another name. Leaves no exception set.
[[nodiscard]] bool leads_to_method(const Runtime& runtime, PyObject* method);

}  // namespace aiointerpreters::codec
