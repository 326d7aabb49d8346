// See stateful_libraries.h.
#include "extensions/stateful_libraries.h"

#include <algorithm>
#include <array>

namespace aiointerpreters::extensions {

namespace {

constexpr std::array kNames{
    // Conversions of types that its user registers, called by all; without locks as wheels build it.
    std::string_view("libhdf5"),
    // On top of it, and without locks.
    std::string_view("libnetcdf"),
    // Names that its user gives to addresses, for all that is compiled in the process; a default context.
    std::string_view("libllvmlite"),
    std::string_view("libLLVM"),
    // Contexts with locks of their own, but one cache, and one place for warnings.
    std::string_view("libmupdf"),
    std::string_view("libmupdfcpp"),
};

}  // namespace

bool keeps_state_of_its_user(std::string_view name) noexcept {
  return std::ranges::find(kNames, name.substr(0, name.find_first_of("-."))) != kNames.end();
}

}  // namespace aiointerpreters::extensions
