// CallableState: what a loaded callable is made of: functions, cells, globals, lists, classes, and the objects in them. A
// call may change these. The next call gets the same callable only if none of them has changed.
//
// It compares what the objects refer to, as they tell the garbage collector. So it sees every assignment to a variable, an
// element or an attribute, but not what a type of C keeps elsewhere. Of objects of such types, nothing is known. It does not
// see that an object has the same value under the name of another attribute. What an interpreter has anyway is not looked
// at: modules, what is defined in them, context variables. Neither are the cached functions of functools, which stay in the
// worker on purpose. An abstract class keeps the subclasses that it has registered where nobody sees them. For these it
// compares the number that Python has for the registrations of all classes.
// Requires: attached to the worker's interpreter, for every use. Owner: the worker's CallableCache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class CallableState {
 public:
  // Notes what the callable is made of now. Runs Python: classes are looked up by their names. Leaves no exception set.
  // Errors: std::bad_alloc.
  void note(Runtime& runtime, PyObject* callable);
  // Whether it is made of nothing else than what can be compared.
  [[nodiscard]] bool is_known() const noexcept { return is_known_; }
  // Whether calls at the same time could notice each other by it: it has lists, dicts or objects, or assigns to variables
  // around it.
  [[nodiscard]] bool is_shared() const noexcept { return is_shared_; }
  // Whether it is still as noted. Requires: is_known. No Python runs.
  [[nodiscard]] bool is_unchanged() const noexcept;

 private:
  struct Node {
    py::Ref object;
    std::size_t end;  // of what it refers to, in held_; that of the previous node is its begin
    bool is_dict;
  };
  class Walk;

  std::vector<Node> nodes_;
  std::vector<py::Ref> held_;  // kept alive, so that no new object gets the address of one of them
  py::Ref get_registrations_;  // abc.get_cache_token; null: the callable has no abstract class
  py::Ref registrations_;      // what it has returned
  bool is_known_ = false;
  bool is_shared_ = false;
};

}  // namespace aiointerpreters::codec
