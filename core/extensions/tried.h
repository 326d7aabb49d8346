// The packages that `make extensions` has tried as private copies, and that work (docs/extensions.md).
// Thread: any.
#pragma once

#include <string_view>

namespace aiointerpreters::extensions {

// Whether the module, or a package that contains it, is one of them.
[[nodiscard]] bool is_known_to_work(std::string_view module) noexcept;

}  // namespace aiointerpreters::extensions
