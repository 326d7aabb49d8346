// Layout: how the instances of a class are written: the class, and its attributes in their order. The whole process has one
// list of all layouts, and a message names a layout by its number. So neither the name of the class nor the names of its
// attributes travel.
// Plain data; never changes once it has a number. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aiointerpreters::codec {

struct Layout {
  // The form of the state in pickle. A class with a `__setstate__` gets it in this form.
  enum class State : std::uint8_t {
    kDict,    // the attributes of the instance's __dict__
    kSlots,   // those of its slots: (None, their dict)
    kFields,  // a frozen dataclass with slots: the list of its fields (dataclasses, since 3.11)
  };

  std::string module;  // all text is UTF-8
  std::string qualname;
  State state = State::kDict;
  std::vector<std::string> names;    // of the attributes: in the dict's order, or in the order of slots in memory
  std::vector<std::uint16_t> order;  // slots and fields in pickle's order: the index of the first name, the second, ...

  friend bool operator==(const Layout&, const Layout&) = default;
};

class Layouts {
 public:
  using Number = std::uint32_t;
  static constexpr Number kNone = static_cast<Number>(-1);
  static constexpr std::size_t kMax = 4096;           // layouts are never freed
  static constexpr std::size_t kNamesMax = 1U << 16;  // of all layouts

  // The number of this layout; it gets a new number if it has none. kNone: there are too many layouts or names. Errors:
  // std::bad_alloc.
  [[nodiscard]] static Number number_of(Layout layout);
  // Null: no layout has that number.
  [[nodiscard]] static const Layout* find(std::size_t number) noexcept;
};

}  // namespace aiointerpreters::codec
