// Pickle, for what the native format does not know: CPython's C pickler with protocol 5.
// Requires: attached to the runtime's interpreter. Runs Python: importing, and what __reduce_ex__ and constructors do.
// Errors: Python exception set and null or false returned, whatever pickling raises unchanged; std::bad_alloc.
#pragma once

#include "codec/by_value.h"
#include "codec/message.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

inline constexpr int kPickleProtocol = 5;

// The functions `dumps` and `loads` of `_pickle`, imported on first need. Return borrowed from the runtime.
[[nodiscard]] PyObject* pickle_dumps(Runtime& runtime);
[[nodiscard]] PyObject* pickle_loads(Runtime& runtime);

// While one of these lives, its thread pickles something again that has failed: by value, or part by part to name the
// culprit. What is submitted from inside of that pickling shall fail plainly; with retries of its own, an object that
// submits itself while it is pickled would never come to an end.
class Retry {
 public:
  explicit Retry(Runtime& runtime) noexcept
      : runtime_(runtime), before_(runtime.retrying_thread), nested_(before_ == PyThread_get_thread_ident()) {
    runtime_.retrying_thread = PyThread_get_thread_ident();
  }
  Retry(const Retry&) = delete;
  Retry& operator=(const Retry&) = delete;
  ~Retry() { runtime_.retrying_thread = before_; }
  // The thread was retrying before; another thread's retries are none of its business.
  [[nodiscard]] bool nested() const noexcept { return nested_; }
  [[nodiscard]] static bool active(const Runtime& runtime) noexcept {
    return runtime.retrying_thread == PyThread_get_thread_ident();
  }

 private:
  Runtime& runtime_;
  const unsigned long before_;
  const bool nested_;
};

// The pickle of a value; if `may_retry`, what no name leads back to is in it by value (by_value.h).
[[nodiscard]] Pickle pickle(Runtime& runtime, PyObject* value, bool may_retry);
// Makes it the content of an empty message; false if there is none.
[[nodiscard]] bool fill_message(const Pickle& pickled, Message& out);
// Makes the pickle of a value the content of an empty message.
[[nodiscard]] bool pickle_message(Runtime& runtime, PyObject* value, Message& out);
// Requires: form kPickled. Returns new.
[[nodiscard]] py::Ref unpickle_message(Runtime& runtime, const Message& message);

}  // namespace aiointerpreters::codec
