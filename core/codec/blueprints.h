// Blueprints: how one interpreter makes the instances of the layouts that arrive (layout.h). A blueprint is made once. It is
// made again when its class has changed, or when its name leads to another class.
// Requires: attached, for every use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "codec/layout.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

struct Runtime;
enum class StandIns : unsigned char;

struct Blueprint {
  enum class How : std::uint8_t {
    kAttributes,  // each is set as `object.__setattr__` does it
    kSlots,       // each is put in its slot
    kByPickle,    // all at once, as an unpickler does it: the class controls it
  };

  Layouts::Number number = Layouts::kNone;
  const Layout* layout = nullptr;
  unsigned version = 0;  // of the class, when this was made (class_facts.h); 0: it is valid for one message
  How how = How::kByPickle;
  bool own_hash = false;
  py::Ref module;              // str
  std::vector<py::Ref> names;  // interned

  [[nodiscard]] std::size_t size() const noexcept { return names.size(); }
};
using BlueprintPtr = std::shared_ptr<const Blueprint>;

// A class, and how to make its instances.
struct Buildable {
  py::Ref type;
  BlueprintPtr blueprint;
};

// Whether the class is as it was when its blueprint was made.
[[nodiscard]] bool is_as_drawn(const Buildable& buildable) noexcept;

class Blueprints {
 public:
  // The present class of a layout. Runs Python if the class has to be imported. Errors: null type, with the exception that
  // unpickling would raise (ModuleNotFoundError, AttributeError, ...) set, or ValueError for a number without a layout;
  // std::bad_alloc.
  [[nodiscard]] Buildable find(Runtime& runtime, std::size_t number, StandIns stand_ins);

 private:
  std::vector<BlueprintPtr> drawn_;  // by number
};

// Gives an instance its state as an unpickler does: to its `__setstate__`, else to its dict or its slots. `values`: a list,
// in the order of the names. Runs Python. Errors: false with the exception that this raises set.
[[nodiscard]] bool build_by_pickle(const Blueprint& blueprint, PyObject* instance, PyObject* values);

}  // namespace aiointerpreters::codec
