// Blueprints: how one interpreter creates the instances of the layouts that arrive (layout.h). A blueprint is created once.
// It is created again if its class has changed, or if its name leads to another class now.
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
    kAttributes,  // each attribute is set as by `object.__setattr__`
    kSlots,       // each value is put into its slot
    kByPickle,    // all at once, as by an unpickler: the class controls it
  };

  Layouts::Number number = Layouts::kNone;
  const Layout* layout = nullptr;
  unsigned version = 0;  // of the class when this was created (class_facts.h); 0: valid for one message only
  How how = How::kByPickle;
  bool own_hash = false;
  py::Ref module;              // str
  std::vector<py::Ref> names;  // interned

  [[nodiscard]] std::size_t size() const noexcept { return names.size(); }
};
using BlueprintPtr = std::shared_ptr<const Blueprint>;

// A class, and how to create its instances.
struct Buildable {
  py::Ref type;
  BlueprintPtr blueprint;
};

// Whether the class has not changed since its blueprint was created.
[[nodiscard]] bool is_as_drawn(const Buildable& buildable) noexcept;

class Blueprints {
 public:
  // The current class of a layout. Runs Python if the class has to be imported. Errors: null type, with the exception set
  // that unpickling would raise (ModuleNotFoundError, AttributeError, ...), or ValueError if no layout has this number;
  // std::bad_alloc.
  [[nodiscard]] Buildable find(Runtime& runtime, std::size_t number, StandIns stand_ins);

 private:
  std::vector<BlueprintPtr> drawn_;  // by number
};

// Sets the state of an instance as an unpickler does: by its `__setstate__`, or else in its dict or slots. `values`: a
// list, in the order of the names. Runs Python. Errors: false with the exception set that this raises.
[[nodiscard]] bool build_by_pickle(const Blueprint& blueprint, PyObject* instance, PyObject* values);

}  // namespace aiointerpreters::codec
