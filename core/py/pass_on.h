// PassOn: how a function passes its call on, if it does nothing else: `lambda: f(1)`, or a wrapper that does
// `return fn(*args, **kwargs)`. It is read from the function's code.
//
// Only code that loads variables and attributes, puts them into lists, tuples and dicts, makes one call and returns its
// result, perhaps after storing it in a local variable, is recognized. All other code does something of its own.
// Owner: whoever has read it. It holds no Python objects, and never changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "py/python.h"

namespace aiointerpreters::py {

class PassOn {
 public:
  enum class Op : std::uint8_t {
    kLocal,            // a parameter
    kFree,             // a variable of a function around it
    kGlobal,           // or a builtin
    kConstant,         // of the code
    kSmallNumber,      // the argument is the number
    kCommonConstant,   // of CPython
    kAttribute,        // of the last value
    kNull,             // between the callable and the arguments of a call
    kTuple,            // of the last values
    kList,             // likewise
    kDict,             // likewise, keys and values
    kDictOfNames,      // likewise, values and then a tuple of keys
    kExtendList,       // with the last value
    kAppendToList,     // the last value
    kMergeDict,        // with the last value
    kListToTuple,      // the last value
    kCall,             // with the last values
    kCallWithNames,    // likewise; the last one is a tuple of keywords
    kCallUnpacked,     // with a tuple or list
    kCallUnpackedTwo,  // with a tuple or list, and a dict or kNull
  };
  struct Step {
    Op op;
    std::uint8_t argument;
  };

  // Whether the code is so short that it may pass its call on. Quick.
  [[nodiscard]] static bool may_be(const PyCodeObject* code) noexcept {
    constexpr Py_ssize_t kMaxUnits = 100;
    constexpr int kOthers = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR | CO_ITERABLE_COROUTINE;
    return Py_SIZE(code) <= kMaxUnits && (code->co_flags & kOthers) == 0 && code->co_ncellvars == 0;
  }
  // Reads the code. False: it does something of its own. Requires: attached; may_be(code). Errors: false, without an
  // exception; std::bad_alloc.
  [[nodiscard]] bool read(PyCodeObject* code);

  // The last step is a call, whose result is returned.
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  // The number of the first steps, which find the callable: a variable, perhaps attributes of it, and kNull.
  [[nodiscard]] std::size_t callee_steps() const noexcept { return callee_steps_; }

 private:
  // False: another instruction.
  [[nodiscard]] bool add(unsigned opcode, unsigned argument, const PyCodeObject* code);
  [[nodiscard]] bool add_local(unsigned index, const PyCodeObject* code);
  [[nodiscard]] bool note_callee();
  // The number of bytes of the first instructions, if these put the result of the call into a variable and load it again;
  // otherwise zero.
  [[nodiscard]] static Py_ssize_t keeps_result(const unsigned char* code, Py_ssize_t size) noexcept;
  void add_step(Op op, unsigned argument = 0) { steps_.push_back({op, static_cast<std::uint8_t>(argument)}); }

  std::vector<Step> steps_;
  std::size_t callee_steps_ = 0;
};

}  // namespace aiointerpreters::py
