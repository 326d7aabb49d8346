// See arrow_layout.h.
#include "codec/arrow_layout.h"

#include <charconv>
#include <string_view>

namespace aiointerpreters::codec::arrow {

namespace {

constexpr Layout kUnknown{};

Layout numbers(std::int64_t width) noexcept { return {Kind::kNumbers, width}; }

std::int64_t number_in(std::string_view text) noexcept {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0 ? number : 0;
}

// "d:19,10", or the same followed by the number of bits.
Layout of_decimal(std::string_view format) noexcept {
  const std::size_t first = format.find(',');
  const std::size_t second = first == std::string_view::npos ? first : format.find(',', first + 1);
  constexpr std::int64_t kUsual = 128;
  const std::int64_t bits = second == std::string_view::npos ? kUsual : number_in(format.substr(second + 1));
  return bits % 8 == 0 && bits > 0 ? numbers(bits / 8) : kUnknown;
}

// Dates, times, durations.
Layout of_time(std::string_view format) noexcept {
  const std::string_view kind = format.substr(0, 3);
  if (kind == "tdD" || kind == "tts" || kind == "ttm" || kind == "tiM") return numbers(4);
  if (kind == "tin") return numbers(16);
  const bool is_known =
      kind == "tdm" || kind == "ttu" || kind == "ttn" || kind == "tiD" || kind.starts_with("ts") || kind.starts_with("tD");
  return is_known ? numbers(8) : kUnknown;
}

Layout of_nested(std::string_view format) noexcept {
  if (format == "+l") return {Kind::kList32};
  if (format == "+L") return {Kind::kList64};
  if (format == "+s") return {Kind::kStructure};
  if (!format.starts_with("+w:")) return kUnknown;
  const std::int64_t width = number_in(format.substr(3));
  return width == 0 ? kUnknown : Layout{Kind::kFixedLists, width};
}

Layout of_format(std::string_view format) noexcept {
  if (format.starts_with("d:")) return of_decimal(format);
  if (format.starts_with('t')) return of_time(format);
  if (format.starts_with('+')) return of_nested(format);
  if (format == "vu" || format == "vz") return {Kind::kViews};
  if (format.size() != 1) return kUnknown;
  switch (format.front()) {
    case 'n':
      return {Kind::kNothing};
    case 'b':
      return {Kind::kBits};
    case 'c':
    case 'C':
      return numbers(1);
    case 's':
    case 'S':
    case 'e':
      return numbers(2);
    case 'i':
    case 'I':
    case 'f':
      return numbers(4);
    case 'l':
    case 'L':
    case 'g':
      return numbers(8);
    case 'u':
    case 'z':
      return {Kind::kBytes32};
    case 'U':
    case 'Z':
      return {Kind::kBytes64};
    default:
      return kUnknown;
  }
}

struct Counts {
  std::int64_t buffers;
  std::int64_t children;
};

Counts counts_of(Layout layout, const Schema& schema, const Array& array) noexcept {
  switch (layout.kind) {
    case Kind::kBits:
    case Kind::kNumbers:
      return {2, 0};
    case Kind::kBytes32:
    case Kind::kBytes64:
      return {3, 0};
    case Kind::kViews:
      return {array.n_buffers < 3 ? 3 : array.n_buffers, 0};
    case Kind::kList32:
    case Kind::kList64:
      return {2, 1};
    case Kind::kFixedLists:
      return {1, 1};
    case Kind::kStructure:
      return {1, schema.n_children};
    case Kind::kNothing:
    case Kind::kUnknown:
      break;
  }
  return {0, 0};
}

}  // namespace

Layout layout_of(const Schema& schema, const Array& array) noexcept {
  const Layout layout = of_format(schema.format);
  const Counts counts = counts_of(layout, schema, array);
  const bool is_so = array.n_buffers == counts.buffers && array.n_children == counts.children &&
                     schema.n_children == counts.children && (schema.dictionary == nullptr) == (array.dictionary == nullptr);
  return is_so ? layout : kUnknown;
}

}  // namespace aiointerpreters::codec::arrow
