// The pickle path of the codec; see pickle_fallback.h.
#include "codec/pickle_fallback.h"

#include <string_view>

namespace aiointerpreters::codec {

namespace {

constexpr int kProtocol = 5;

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

// Conservative: a string that only looks like the module's name counts too.
bool names_main(std::string_view pickled) { return pickled.find("__main__") != std::string_view::npos; }

}  // namespace

PyObject* pickle_dumps(Runtime& runtime) { return pickle_function(runtime.pickle_dumps, "dumps"); }
PyObject* pickle_loads(Runtime& runtime) { return pickle_function(runtime.pickle_loads, "loads"); }

py::Ref pickle(Runtime& runtime, PyObject* value) {
  PyObject* const dumps = pickle_dumps(runtime);
  const py::Ref protocol = py::Ref::steal(PyLong_FromLong(kProtocol));
  if (dumps == nullptr || !protocol) return {};
  PyObject* const args[] = {value, protocol.get()};
  return py::Ref::steal(PyObject_Vectorcall(dumps, args, 2, nullptr));
}

bool pickle_message(Runtime& runtime, PyObject* value, Message& out) {
  const py::Ref pickled = pickle(runtime, value);
  if (!pickled) return false;
  const std::string_view content(PyBytes_AS_STRING(pickled.get()),
                                 static_cast<std::size_t>(PyBytes_GET_SIZE(pickled.get())));
  out.bytes.append(content.data(), content.size());
  out.form = Message::Form::kPickled;
  out.needs_main = names_main(content);
  return true;
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
