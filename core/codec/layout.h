// Layout: how the instances of a class are written: which class it is, and which attributes they have, in which order. One
// list of all layouts serves the whole process, so a message names a layout by its number: neither the name of the class nor
// those of its attributes travel.
// Plain data, immutable once it has a number. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aiointerpreters::codec {

struct Layout {
  // What pickle would take for the state of the instance, and hand to a class that wants to set it by itself.
  enum class State : std::uint8_t {
    kDict,    // the attributes of the instance's __dict__
    kSlots,   // those of its slots: (None, their dict)
    kFields,  // a frozen dataclass with slots: the list of its fields (dataclasses, since 3.11)
  };

  std::string module;  // all text is UTF-8
  std::string qualname;
  State state = State::kDict;
  std::vector<std::string> names;    // of the attributes: a dict's in its order, slots as they lie in memory
  std::vector<std::uint16_t> order;  // of slots and fields: which name is the first one for pickle, the second, ...

  friend bool operator==(const Layout&, const Layout&) = default;
};

class Layouts {
 public:
  using Number = std::uint32_t;
  static constexpr Number kNone = static_cast<Number>(-1);
  static constexpr std::size_t kMax = 4096;           // they are kept for good
  static constexpr std::size_t kNamesMax = 1U << 16;  // of all layouts

  // The number of such a layout, a new one if there is none yet.
  // kNone: there are as many as there can be, or it has very many names.
  // Errors: std::bad_alloc.
  [[nodiscard]] static Number number_of(Layout layout);
  // Null: nothing has that number.
  [[nodiscard]] static const Layout* find(std::size_t number) noexcept;
};

}  // namespace aiointerpreters::codec
