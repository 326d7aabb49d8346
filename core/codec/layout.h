// Layout: how the instances of a class are written: the class, and its attributes in their order. One list of all layouts
// serves the whole process, so a message names a layout by its number. Neither the name of the class nor the names of its
// attributes travel.
// Plain data, immutable once it has a number. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aiointerpreters::codec {

struct Layout {
  // The state of the instance that pickle would take, and pass to a class that sets its state itself.
  enum class State : std::uint8_t {
    kDict,    // the attributes of the instance's __dict__
    kSlots,   // those of its slots: (None, their dict)
    kFields,  // a frozen dataclass with slots: the list of its fields (dataclasses, since 3.11)
  };

  std::string module;  // all text is UTF-8
  std::string qualname;
  State state = State::kDict;
  std::vector<std::string> names;    // of the attributes: a dict's in its order, slots as they lie in memory
  std::vector<std::uint16_t> order;  // of slots and fields: the name that is the first one for pickle, the second, ...

  friend bool operator==(const Layout&, const Layout&) = default;
};

class Layouts {
 public:
  using Number = std::uint32_t;
  static constexpr Number kNone = static_cast<Number>(-1);
  static constexpr std::size_t kMax = 4096;           // they are kept for good
  static constexpr std::size_t kNamesMax = 1U << 16;  // of all layouts

  // The number of such a layout, a new number if it has none yet. kNone: there are as many as possible, or it has too many
  // names. Errors: std::bad_alloc.
  [[nodiscard]] static Number number_of(Layout layout);
  // Null: no layout has that number.
  [[nodiscard]] static const Layout* find(std::size_t number) noexcept;
};

}  // namespace aiointerpreters::codec
