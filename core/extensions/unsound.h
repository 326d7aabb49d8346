// Extension modules that are known not to work as private copies. They have state in the process and not in their static
// memory, so a copy does not separate it. They are refused with the reason, unless the user trusts them. They are
// recognized by the symbols that they import from Python, or by name.
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aiointerpreters::extensions {

// The modules and packages that the user wants to load anyway: "memray,package.module".
class Trust {
 public:
  static constexpr const char* kVariable = "AIOINTERPRETERS_EXTENSIONS_TRUSTED";

  explicit Trust(std::string_view names);

  // Whether the module, or a package that contains it, is one of them.
  [[nodiscard]] bool covers(std::string_view module) const;

 private:
  std::vector<std::string> names_;
};

// The reason not to load a module of this name, or an object that imports these symbols from Python. Null: none is known.
[[nodiscard]] const char* reason_against(std::string_view module) noexcept;
[[nodiscard]] const char* reason_against(const std::vector<std::string>& python_symbols) noexcept;
// The same for a module of this name in this file, whose symbols are read. Errors: std::bad_alloc.
[[nodiscard]] const char* reason_against(std::string_view module, const std::string& path);

// The whole error message. It says how to load the module anyway, unless that would certainly crash the process.
[[nodiscard]] std::string refusal(const std::string& module, const std::string& path, const char* reason);

}  // namespace aiointerpreters::extensions
