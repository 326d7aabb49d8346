// FunctionGraph: a function that crosses by value, with all that it refers to: code, defaults, cells, the globals that it
// uses, and further functions by value. It is what a recipe (recipe.h) is written from, and the way to know later that
// nothing in it has changed.
//
// It must not keep the function alive. So it holds only values that refer to nothing else (numbers, strings, tuples of
// them), and holds functions, classes, modules and tags by weak references.
// Requires: attached to home, for every use. Owner: home's CallableTable.
#pragma once

#include <cstdint>
#include <vector>

#include "codec/code_facts.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

struct FunctionGraph {
  // What some place of a function contains: a default, a cell, a global.
  struct Slot {
    enum class Kind : std::uint8_t { kAbsent, kValue, kFunction, kNamed, kTag };  // as numbers: part of a recipe
    Kind kind = Kind::kAbsent;
    std::uint32_t index = 0;  // kFunction, kTag: of the function; kNamed: of the name
    py::Ref object;           // kValue: the value; other kinds: a weak reference to the object
  };
  struct Item {
    py::Ref key;  // str
    Slot slot;
  };
  // The contents of a tuple or dict that may be missing. Slots of a tuple have no keys.
  struct Items {
    bool exists = false;
    std::vector<Item> list;
  };
  // An object that crosses by name: a module, function, class or builtin.
  struct Named {
    enum class Kind : std::uint8_t { kModule, kMember, kBehindTag };  // as numbers: part of a recipe
    Kind kind = Kind::kModule;
    py::Ref module;             // str
    py::Ref name;               // str; null for a module
    py::Ref object;             // a weak reference
    py::Ref spec;               // of the module, if it is one: a weak reference
    std::uint32_t version = 0;  // of the module (module_versions.h)
  };
  struct Function {
    py::Ref object;  // a weak reference
    py::Ref code;
    CodeFactsPtr facts;
    py::Ref name, qualname, module, doc;  // null: as a new function of this code has it
    Items defaults, keyword_defaults, attributes, annotations;
    Slot annotate;
    std::vector<std::uint32_t> cells;
    std::uint32_t globals = 0;
  };
  struct Globals {
    std::uint32_t function;  // one that has these globals
    std::vector<Item> list;
  };
  struct Submodule {
    py::Ref name;  // str
    bool is_imported;
  };

  std::vector<Function> functions;  // the first one is the function itself
  std::vector<Slot> cells;
  std::vector<Globals> globals;
  std::vector<Named> names;
  std::vector<Submodule> submodules;  // that the functions may use as attributes of packages
  bool is_lasting = true;             // `is_unchanged` can be relied on: everything mutable is compared
  bool is_constant = true;            // see CallableRef
  bool main_is_nowhere = false;       // see Runtime
  bool needs_main = false;            // see Message

  // Whether each place still has the same object, and each name still leads to it. `function` is the first function.
  // Requires: is_lasting. Errors: false without an exception.
  [[nodiscard]] bool is_unchanged(PyObject* function, bool main_is_nowhere_now) const;
};

// The object that a module of sys.modules has under this name; the module itself if `name` is null. No import. Returns new;
// null without an exception.
[[nodiscard]] py::Ref find_imported(PyObject* module, PyObject* name);

}  // namespace aiointerpreters::codec
