// Pickle, for objects that the native format does not support: CPython's C pickler with protocol 5. What cannot be found by
// name is pickled by value (src/aiointerpreters/_by_value.py): lambdas, closures, nested functions, code typed at a prompt,
// the classes of a `__main__` without a script. This uses cloudpickle, the package's only run-time dependency, which is
// imported only when it is first needed. Functions that are called have a recipe instead, if possible (recipe.h).
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

// While such an object lives, its thread pickles again something that has failed: by value, or part by part to find the
// cause. If this pickling calls submit, that submit must not retry. Otherwise an object that submits itself while it is
// pickled would never come to an end.
class Retry {
 public:
  explicit Retry(Runtime& runtime) noexcept
      : runtime_(runtime), nested_(active(runtime)), thread_(PyThread_get_thread_ident()), next_(runtime.retries) {
    runtime.retries = this;
  }
  Retry(const Retry&) = delete;
  Retry& operator=(const Retry&) = delete;
  ~Retry() {
    Retry** link = &runtime_.retries;  // other threads may have been added later and not removed yet
    while (*link != this) link = &(*link)->next_;
    *link = next_;
  }
  // Whether this thread was already retrying. Retries of other threads do not count.
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
  Retry* next_;  // the list of all live objects; guarded by the interpreter's GIL
};

struct Pickle {
  py::Ref content;  // an object with the buffer protocol; null: failed
  bool needs_main = false;
  bool has_large = false;  // it contains a bytes or str of 64 KiB or more
};

// When objects that cannot be found by name are pickled by value: at once; only if plain pickling fails because of them; or
// never.
enum class ByValue : unsigned char { kAtOnce, kIfNeeded, kNever };

// copyreg's table of reductions. Borrowed; null with an exception set.
[[nodiscard]] PyObject* reduction_table(Runtime& runtime);
// Whether unavailable classes and modules are errors, or are replaced by stand-ins. Stand-ins show where they are needed.
enum class StandIns : unsigned char { kNone, kForMissing };
// The object that this module and qualified name mean in a pickle. Returns new. Errors: as unpickling.
[[nodiscard]] py::Ref find_class(Runtime& runtime, const std::string& module, const std::string& qualname,
                                 StandIns stand_ins);

// `persistent_id`: as in pickle.Pickler, called with every object. `reductions`: a dict from types to functions that reduce
// their objects, in addition to copyreg's table; null: none.
[[nodiscard]] Pickle pickle(Runtime& runtime, PyObject* value, PyObject* persistent_id, PyObject* reductions,
                            ByValue by_value);
// A plain pickle. It is faster, because `persistent_id` is not called. Fails with some exception if the value contains an
// object that has to be attached to a message (attachment.h), or that cannot be found by name.
[[nodiscard]] Pickle pickle_unless_attached(Runtime& runtime, PyObject* value);
// `persistent_load`: as of pickle.Unpickler; null: the pickle has no persistent ids. Returns new.
[[nodiscard]] py::Ref unpickle(Runtime& runtime, const unsigned char* data, std::size_t size, PyObject* persistent_load);

}  // namespace aiointerpreters::codec
