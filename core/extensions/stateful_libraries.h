// Libraries that do not use Python and are copied all the same: what they keep belongs to one user of theirs, and there is
// one of it in a process. They count on Python's GIL to have one caller at a time, or keep what a caller has registered for
// all: a function of one interpreter's copy would be called for another one, or when that interpreter has ended.
// Thread: any.
#pragma once

#include <string_view>

namespace aiointerpreters::extensions {

// Whether a library is one of them, by its SONAME or the name of its file: "libhdf5-9e18f0c6.so.320" is libhdf5.
[[nodiscard]] bool keeps_state_of_its_user(std::string_view name) noexcept;

}  // namespace aiointerpreters::extensions
