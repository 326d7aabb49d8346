// The pickle path of the codec; see pickle_fallback.h.
#include "codec/pickle_fallback.h"

#include <string_view>
#include <utility>

#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

PyObject* pickle_function(py::Ref& cache, const char* name) {
  if (!cache) {
    // The C module itself: `pickle` would import its pure Python twin first, which takes milliseconds in a fresh worker.
    const py::Ref module = py::Ref::steal(PyImport_ImportModule("_pickle"));
    if (!module) return nullptr;
    py::Ref function = py::Ref::steal(PyObject_GetAttrString(module.get(), name));
    if (!cache) cache = std::move(function);  // importing may have let another thread fill it
  }
  return cache.get();
}

// A global's module name stands in a pickle as a short string. Conservative: a str of the same content does too.
bool names_main(PyObject* pickled) {
  const std::string_view content(PyBytes_AS_STRING(pickled), static_cast<std::size_t>(PyBytes_GET_SIZE(pickled)));
  return content.find("\x8c\x08__main__") != std::string_view::npos ||
         content.find("\x8c\x0b__mp_main__") != std::string_view::npos;  // in a worker it has this name
}

// What pickle says of a function or class that no name leads back to. (AttributeError: before 3.14.)
bool is_nameless_error(Runtime& runtime) {
  return PyErr_ExceptionMatches(PyExc_AttributeError) != 0 ||
         (runtime.pickling_error && PyErr_ExceptionMatches(runtime.pickling_error.get()) != 0);
}

// The exception set now stays the one to report if this fails too.
Pickle pickle_nameless(Runtime& runtime, PyObject* value) {
  const Retry retry(runtime);
  py::Ref error = py::take_exception();
  Pickle pickled = pickle_by_value(value);
  if (!pickled.bytes && error) py::restore_exception(std::move(error));
  return pickled;
}

}  // namespace

PyObject* pickle_dumps(Runtime& runtime) { return pickle_function(runtime.pickle_dumps, "dumps"); }
PyObject* pickle_loads(Runtime& runtime) { return pickle_function(runtime.pickle_loads, "loads"); }

Pickle pickle(Runtime& runtime, PyObject* value, bool may_retry) {
  PyObject* const dumps = pickle_dumps(runtime);
  const py::Ref protocol = py::Ref::steal(PyLong_FromLong(kPickleProtocol));
  if (dumps == nullptr || !protocol) return {};
  if (pickle_function(runtime.pickling_error, "PicklingError") == nullptr) return {};
  PyObject* const args[] = {value, protocol.get()};
  Pickle pickled{py::Ref::steal(PyObject_Vectorcall(dumps, args, 2, nullptr))};
  if (!pickled.bytes) return may_retry && is_nameless_error(runtime) ? pickle_nameless(runtime, value) : Pickle();
  pickled.needs_main = names_main(pickled.bytes.get());
  // A worker cannot look into a `__main__` that is no script.
  return runtime.main_is_nowhere && pickled.needs_main ? pickle_nameless(runtime, value) : std::move(pickled);
}

bool fill_message(const Pickle& pickled, Message& out) {
  if (!pickled.bytes) return false;
  PyObject* const bytes = pickled.bytes.get();
  out.bytes.append(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes)));
  out.form = Message::Form::kPickled;
  out.needs_main = pickled.needs_main;
  return true;
}

bool pickle_message(Runtime& runtime, PyObject* value, Message& out) {
  return fill_message(pickle(runtime, value, !Retry::active(runtime)), out);
}

py::Ref unpickle_message(Runtime& runtime, const Message& message) {
  PyObject* const loads = pickle_loads(runtime);
  if (loads == nullptr) return {};
  // A view of the message, not a copy: unpickling copies what it keeps, and the view dies right after.
  auto* data = const_cast<char*>(reinterpret_cast<const char*>(message.bytes.data()));
  const py::Ref view =
      py::Ref::steal(PyMemoryView_FromMemory(data, static_cast<Py_ssize_t>(message.bytes.size()), PyBUF_READ));
  if (!view) return {};
  return py::Ref::steal(PyObject_CallOneArg(loads, view.get()));
}

}  // namespace aiointerpreters::codec
