// See copy_names.h.
#include "extensions/copy_names.h"

#include <algorithm>
#include <atomic>
#include <charconv>

#include "base/process.h"

namespace aiointerpreters::extensions {

namespace {

constexpr std::string_view kBegun = ".begun-";
constexpr std::size_t kDigits = 16;  // of a hash
// A name has at most 255 bytes (NAME_MAX). The other fields take fewer than 100.
constexpr std::size_t kReadable = 150;

std::string_view readable(std::string_view original) noexcept {
  return original.substr(original.size() - std::min(original.size(), kReadable));
}

std::string digits_of(std::uint64_t hash) {
  char digits[kDigits];
  const auto written = std::to_chars(digits, digits + kDigits, hash, 16);
  const auto count = static_cast<std::size_t>(written.ptr - digits);
  return std::string(kDigits - count, '0').append(digits, count);
}

// Takes "DIGITS-" from the front of the name: `count` digits, or any number of them if that is 0.
bool take_field(std::string_view& name, std::string_view digits, std::size_t count) noexcept {
  const std::size_t end = name.find_first_not_of(digits);
  if (end == std::string_view::npos || end == 0 || name[end] != '-' || (count != 0 && end != count)) return false;
  name.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string copy_name(std::uint64_t content, std::uint64_t edits, unsigned k, std::size_t twin, std::string_view original) {
  std::string name =
      digits_of(content) + "-" + digits_of(edits) + "-" + std::to_string(k) + "-" + std::to_string(twin) + "-";
  return name.append(readable(original));
}

bool is_copy_name(std::string_view name) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::string_view kDecimal = "0123456789";
  return take_field(name, kHex, kDigits) && take_field(name, kHex, kDigits) && take_field(name, kDecimal, 0) &&
         take_field(name, kDecimal, 0) && !name.empty();
}

std::string begun_name(std::string_view original) {
  static constinit std::atomic<std::uint64_t> begun{0};
  // relaxed: only the numbers have to differ.
  const std::uint64_t number = begun.fetch_add(1, std::memory_order_relaxed);
  std::string name(kBegun);
  name += std::to_string(base::process_id()) + "-" + std::to_string(number) + "-";
  return name.append(readable(original));
}

bool is_begun_name(std::string_view name) noexcept { return name.starts_with(kBegun); }

}  // namespace aiointerpreters::extensions
