// See stateful_libraries.h.
#include "extensions/stateful_libraries.h"

#include <algorithm>
#include <array>

namespace aiointerpreters::extensions {

namespace {

constexpr std::array kNames{
    // Calls conversions of types that any user has registered. The builds in wheels have no locks.
    std::string_view("libhdf5"),
    // Uses libhdf5, and has no locks either.
    std::string_view("libnetcdf"),
    // Has a default context, and one table of names that users give to addresses, for all compiled code in the process.
    std::string_view("libllvmlite"),
    std::string_view("libLLVM"),
    // Its contexts have locks, but there is one cache, and one place for warnings.
    std::string_view("libmupdf"),
    std::string_view("libmupdfcpp"),
};

}  // namespace

bool keeps_state_of_its_user(std::string_view name) noexcept {
  return std::ranges::find(kNames, name.substr(0, name.find_first_of("-."))) != kNames.end();
}

}  // namespace aiointerpreters::extensions
