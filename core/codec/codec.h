// The whole interface of the codec for the layers above: Python objects of the attached interpreter to messages and back.
//
// The value that arrives equals pickle.loads(pickle.dumps(x, 5)): values, types, dict order, identity of shared
// sub-objects, cycles. A memoryview, which pickle refuses, arrives as a memoryview of the same memory. Objects of exact
// built-in types have a native format (docs/design/codec_format.md). One pickle after it contains all others.
//
// Requires: attached to the interpreter that owns `runtime`, for every function here. Runs Python: pickle may call user
// code. Errors: Python exception set and false / null returned; std::bad_alloc never leaves (it becomes MemoryError).
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "codec/attachment.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

class Decoder;

// Encodes one object. `root`: the start of the path in errors. Errors: NotTransferableError with the path to the value that
// cannot cross (if `root` is null: the exception that pickling raised); RuntimeError if a container changes its size
// meanwhile; RecursionError; MemoryError.
[[nodiscard]] bool encode_value(Runtime& runtime, PyObject* value, Message& out, const char* root = "result",
                                Views views = Views::kCopy);
// The same for a callable that cannot be found by name. Functions cross by value, and others as pickle writes them. Views
// are lent. The path starts with `function`.
[[nodiscard]] bool encode_callable(Runtime& runtime, PyObject* callable, Message& out);
// Returns new. Errors: any exception of unpickling.
[[nodiscard]] py::Ref decode_value(Runtime& runtime, const Message& message);
// The same. If a class or module is not available here, the error names the path to the object that needs it. The path
// starts with `root`.
[[nodiscard]] py::Ref decode_value(Runtime& runtime, const Message& message, const char* root);

// Encodes the arguments of one call; views are lent (attachment.h). The arguments have the form of the vectorcall protocol:
// `nargs` positional ones, then the values of the names in the tuple `kwnames` (null: none). Errors: like encode_value; the
// path starts with `argument 1` or `argument 'key'`.
[[nodiscard]] bool encode_call(Runtime& runtime, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames, Message& out);

// The decoded arguments of one call, in the form that PyObject_Vectorcall needs.
class CallArguments {
 public:
  CallArguments() noexcept = default;
  CallArguments(const CallArguments&) = delete;
  CallArguments& operator=(const CallArguments&) = delete;
  ~CallArguments() { clear(); }

  // Requires: decode_call filled it. Runs Python. Returns new, or null with the callable's exception set.
  [[nodiscard]] py::Ref call(PyObject* callable) const;
  // Drops them; decode_call may fill it again. Runs Python.
  void clear();
  // The positional argument at `index`. Requires: decode_call has filled it, with more arguments than `index`. Borrows.
  [[nodiscard]] PyObject* positional(Py_ssize_t index) const noexcept { return args_[index]; }
  // Whether `is_such(argument)` is true for all of them, including the values of keywords.
  template <typename IsSuch>
  [[nodiscard]] bool all(IsSuch&& is_such) const {
    return std::all_of(args_, args_ + total_, is_such);
  }

 private:
  friend bool decode_call(Runtime& runtime, const Message& message, CallArguments& out);
  friend void name_refused_argument(Runtime& runtime, const Message& message);
  void make_room(Py_ssize_t nargs, Py_ssize_t keywords);
  [[nodiscard]] bool read(Decoder& decoder);

  static constexpr std::size_t kInline = 8;  // beside one slot before them, for PY_VECTORCALL_ARGUMENTS_OFFSET
  PyObject* inline_[kInline + 1] = {};
  std::vector<PyObject*> heap_;
  PyObject** args_ = inline_ + 1;  // owned references
  Py_ssize_t nargs_ = 0;           // the number of positional arguments
  Py_ssize_t total_ = 0;           // the number of all arguments, keyword arguments included
  py::Ref kwnames_;
};
// Errors: any exception of unpickling. If a class or module is not available here, the text names the argument that needs
// it.
[[nodiscard]] bool decode_call(Runtime& runtime, const Message& message, CallArguments& out);

// Turns the exception that is set into a message and clears it. It keeps type, args, attributes, notes, __cause__,
// __context__, __suppress_context__ and the members of exception groups, if they can cross. It always keeps the printed
// form of the traceback (exception_trace.h). Parts that cannot cross are left out, and a note names them. It cannot fail:
// in the worst case only the type's name is kept.
// Requires: an exception is set. Runs Python.
// `out` is empty; its `stands_alone` counts.
void encode_exception(Runtime& runtime, Message& out);
// Rebuilds that exception. Its class is looked up here. If it cannot be found, the result is an InterpreterError with the
// type's name, message and traceback. The innermost __cause__ of the result is a RemoteTraceback. Returns new. If
// rebuilding fails, the returned exception says so. Errors: null with KeyboardInterrupt set, which has nothing to do with
// the message.
[[nodiscard]] py::Ref decode_exception(Runtime& runtime, const Message& message);

}  // namespace aiointerpreters::codec
