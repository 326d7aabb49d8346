// Pickle, for objects that the native format does not know: CPython's C pickler with protocol 5. Functions and classes that
// no name leads back to are pickled by cloudpickle: lambdas, closures, nested functions, code typed at a prompt, the classes
// of a `__main__` without a script. cloudpickle is the package's one run-time dependency, and is imported only when it is
// first needed.
// Requires: attached to the runtime's interpreter. Runs Python: importing, __reduce_ex__ and constructors.
// Errors: Python exception set and null returned; exceptions of pickling are unchanged.
#pragma once

#include <cstddef>
#include <string>

#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

inline constexpr int kPickleProtocol = 5;

// While one of these lives, its thread pickles again something that has failed: by value, or part by part to name the
// culprit. A submit from inside this pickling must fail plainly. With retries of its own, an object that submits itself
// while it is pickled would never come to an end.
class Retry {
 public:
  explicit Retry(Runtime& runtime) noexcept
      : runtime_(runtime), nested_(active(runtime)), thread_(PyThread_get_thread_ident()), next_(runtime.retries) {
    runtime.retries = this;
  }
  Retry(const Retry&) = delete;
  Retry& operator=(const Retry&) = delete;
  ~Retry() {
    Retry** link = &runtime_.retries;  // other threads may have come later, and still be there
    while (*link != this) link = &(*link)->next_;
    *link = next_;
  }
  // The thread was retrying before; other threads' retries do not concern it.
  [[nodiscard]] bool nested() const noexcept { return nested_; }
  [[nodiscard]] static bool active(const Runtime& runtime) noexcept {
    const Retry* retry = runtime.retries;
    while (retry != nullptr && retry->thread_ != PyThread_get_thread_ident()) retry = retry->next_;
    return retry != nullptr;
  }

 private:
  Runtime& runtime_;
  const bool nested_;
  const unsigned long thread_;
  Retry* next_;  // of all that live; guarded by the interpreter's GIL
};

struct Pickle {
  py::Ref content;  // an object with the buffer protocol; null: failed
  bool needs_main = false;
  bool has_large = false;  // there is a bytes or str of 64 KiB or more in it
};

// Objects that no name leads back to are in it by value: immediately, or only after plain pickling has failed for that
// reason.
enum class ByValue : unsigned char { kAtOnce, kIfNeeded, kNever };

// copyreg's table of reductions. Borrowed; null with an exception set.
[[nodiscard]] PyObject* reduction_table(Runtime& runtime);
// Whether unavailable classes and modules have stand-ins, to find out where they are needed, or are an error.
enum class StandIns : unsigned char { kNone, kForMissing };
// The object that a pickle means by such a module and qualified name. Returns new. Errors: as unpickling.
[[nodiscard]] py::Ref find_class(Runtime& runtime, const std::string& module, const std::string& qualname,
                                 StandIns stand_ins);

// `persistent_id`: as of pickle.Pickler, called with every object. `reductions`: a dict from types to functions that reduce
// their objects, in addition to copyreg's table; null: none.
[[nodiscard]] Pickle pickle(Runtime& runtime, PyObject* value, PyObject* persistent_id, PyObject* reductions,
                            ByValue by_value);
// A plain pickle, faster: `persistent_id` is not called. Fails with some exception if the value contains an object that has
// to be attached to a message (attachment.h), or that has no name.
[[nodiscard]] Pickle pickle_unless_attached(Runtime& runtime, PyObject* value);
// `persistent_load`: as of pickle.Unpickler; null: the pickle has no persistent ids. Returns new.
[[nodiscard]] py::Ref unpickle(Runtime& runtime, const unsigned char* data, std::size_t size, PyObject* persistent_load);

}  // namespace aiointerpreters::codec
