// Libraries that do not use Python but are copied anyway. They have state for one user, and a process has only one copy of
// that state. Some rely on Python's GIL to have one caller at a time. Others keep functions that a caller has registered: a
// function of one interpreter would be called for another one, or after its interpreter has ended.
// Thread: any.
#pragma once

#include <string_view>

namespace aiointerpreters::extensions {

// Whether a library is one of them, by its SONAME or file name: "libhdf5-9e18f0c6.so.320" is libhdf5.
[[nodiscard]] bool keeps_state_of_its_user(std::string_view name) noexcept;

}  // namespace aiointerpreters::extensions
