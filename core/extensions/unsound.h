// Extension modules that are known not to work as private copies, whatever they look like: their state is not in their
// static memory, where there is one of each for each interpreter, but in the process. They are refused with the reason,
// unless the user trusts them. They are known by what they import from Python, or by name.
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aiointerpreters::extensions {

// Names of modules and packages that the user has loaded all the same: "memray,package.module".
class Trust {
 public:
  static constexpr const char* kVariable = "AIOINTERPRETERS_EXTENSIONS_TRUSTED";

  explicit Trust(std::string_view names);

  // Whether the module or a package that it is in has been named.
  [[nodiscard]] bool covers(std::string_view module) const;

 private:
  std::vector<std::string> names_;
};

// Why a module with this name, or an object that wants these symbols of Python's, is not to be loaded; null:
// nothing is known.
[[nodiscard]] const char* reason_against(std::string_view module) noexcept;
[[nodiscard]] const char* reason_against(const std::vector<std::string>& python_symbols) noexcept;

// The whole message. It says how to have the module loaded all the same, unless that would certainly crash the process.
[[nodiscard]] std::string refusal(const std::string& module, const std::string& path, const char* reason);

}  // namespace aiointerpreters::extensions
