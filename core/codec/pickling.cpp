// See pickling.h.
#include "codec/pickling.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "codec/attachment.h"
#include "codec/shared_types.h"
#include "py/error.h"

namespace aiointerpreters::codec {

namespace {

// An attribute of a module, read on first need. Borrowed from the runtime; null with an exception set.
PyObject* cached(py::Ref& cache, const char* module_name, const char* name) {
  if (!cache) {
    const py::Ref module = py::Ref::steal(PyImport_ImportModule(module_name));
    if (!module) return nullptr;
    py::Ref found = py::Ref::steal(PyObject_GetAttrString(module.get(), name));
    if (!cache) cache = std::move(found);  // another thread may have set it during the import
  }
  return cache.get();
}

// Borrowed from the runtime; null with an exception set.
PyObject* interned(py::Ref& cache, const char* name) {
  if (!cache) cache = py::Ref::steal(PyUnicode_InternFromString(name));
  return cache.get();
}

// The C module, because `pickle` first imports its pure Python counterpart, which takes milliseconds in a fresh worker.
constexpr char kPickleModule[] = "_pickle";

// Large objects are outside of the frames of a pickle (PEP 3154). So following the frames finds them.
bool has_large(PyObject* content) {
  constexpr unsigned char kFrame = 0x95;
  constexpr Py_ssize_t kFrameHead = 1 + sizeof(std::uint64_t);
  const Py_buffer& buffer = *PyMemoryView_GET_BUFFER(content);
  const auto* const data = static_cast<const unsigned char*>(buffer.buf);
  Py_ssize_t at = 2;  // after the protocol
  while (buffer.len - at >= kFrameHead && data[at] == kFrame) {
    std::uint64_t size;
    std::memcpy(&size, data + at + 1, sizeof size);
    at += kFrameHead + static_cast<Py_ssize_t>(size);
  }
  return at < buffer.len && buffer.len > kFrameHead + 4;  // the smallest pickles have no frame
}

// A subclass of the class of that name in `_pickle`. On 3.13.0, an instance of the class itself does not use attributes
// such as persistent_id, but an instance of a subclass does. Borrowed from the runtime; null with an exception set.
PyObject* cached_class(py::Ref& cache, const char* name) {
  if (cache) return cache.get();
  py::Ref base;
  if (cached(base, kPickleModule, name) == nullptr) return nullptr;
  py::Ref made =
      py::Ref::steal(PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(O){}", name, base.get()));
  if (!cache) cache = std::move(made);
  return cache.get();
}

// Whether a pickle may contain `__main__`. The module name of a global is a short string in a pickle. Any str with that
// content counts too.
bool names_main(PyObject* content) {
  const Py_buffer& buffer = *PyMemoryView_GET_BUFFER(content);
  const std::string_view text(static_cast<const char*>(buffer.buf), static_cast<std::size_t>(buffer.len));
  return text.find("\x8c\x08__main__") != std::string_view::npos ||
         text.find("\x8c\x0b__mp_main__") != std::string_view::npos;  // its name in a worker
}

// Attributes of a pickle.Pickler. Null: the pickler's default.
struct PicklerAttributes {
  PyObject* persistent_id = nullptr;
  PyObject* dispatch_table = nullptr;
  PyObject* buffer_callback = Py_None;
};

bool set_attribute(const py::Ref& pickler, PyObject* name, PyObject* value) {
  return value == nullptr || (name != nullptr && PyObject_SetAttr(pickler.get(), name, value) == 0);
}

Pickle dump(Runtime& runtime, PyObject* value, const PicklerAttributes& attributes) {
  PyObject* const dump_name = interned(runtime.names.dump, "dump");
  PyObject* const getbuffer = interned(runtime.names.getbuffer, "getbuffer");
  PyObject* const pickler_type = cached_class(runtime.pickler_type, "Pickler");
  PyObject* const file_type = cached(runtime.bytes_io_type, "_io", "BytesIO");
  const py::Ref protocol = py::Ref::steal(PyLong_FromLong(kPickleProtocol));
  if (pickler_type == nullptr || file_type == nullptr || !protocol) return {};
  if (dump_name == nullptr || getbuffer == nullptr) return {};
  const py::Ref file = py::Ref::steal(PyObject_CallNoArgs(file_type));
  if (!file) return {};
  PyObject* const args[] = {file.get(), protocol.get(), Py_True, attributes.buffer_callback};
  const py::Ref pickler = py::Ref::steal(PyObject_Vectorcall(pickler_type, args, 4, nullptr));
  if (!pickler ||
      !set_attribute(pickler, interned(runtime.names.persistent_id, "persistent_id"), attributes.persistent_id) ||
      !set_attribute(pickler, interned(runtime.names.dispatch_table, "dispatch_table"), attributes.dispatch_table)) {
    return {};
  }
  const py::Ref done = py::Ref::steal(PyObject_CallMethodOneArg(pickler.get(), dump_name, value));
  if (!done) return {};
  Pickle pickled{py::Ref::steal(PyObject_CallMethodNoArgs(file.get(), getbuffer))};
  pickled.needs_main = pickled.content && names_main(pickled.content.get());
  pickled.has_large = pickled.content && has_large(pickled.content.get());
  return pickled;
}

PyObject* refuse(PyObject*, PyObject* object) {
  return PyErr_Format(PyExc_TypeError, "%s objects are attached", Py_TYPE(object)->tp_name);
}

// A copy of copyreg's table of reductions. Returns new.
py::Ref copied_table(Runtime& runtime) {
  PyObject* const known = reduction_table(runtime);
  py::Ref table = known != nullptr ? py::Ref::steal(PyDict_New()) : py::Ref();
  if (!table || PyDict_Update(table.get(), known) < 0) return {};
  return table;
}

// The same table, but it refuses objects that have to be attached.
py::Ref refusing_table(Runtime& runtime, PyObject* refusal) {
  py::Ref table = copied_table(runtime);
  if (!table) return {};
  const py::Ref queue_type = find_queue_type(runtime);
  PyObject* const types[] = {reinterpret_cast<PyObject*>(&PyMemoryView_Type), runtime.shared_buffer_type.get(),
                             queue_type.get()};
  for (PyObject* const type : types) {
    if (type != nullptr && PyDict_SetItem(table.get(), type, refusal) < 0) return {};
  }
  if (knows_shared_types(runtime) && !add_shared_types(runtime, table.get(), refusal)) return {};
  return table;
}

Pickle pickle_by_value(PyObject* value, PyObject* persistent_id, PyObject* reductions) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._by_value"));
  const py::Ref dumped = module ? py::Ref::steal(PyObject_CallMethod(module.get(), "dumps", "OOO", value, persistent_id,
                                                                     reductions == nullptr ? Py_None : reductions))
                                : py::Ref();
  PyObject* bytes = nullptr;  // borrowed
  int needs_main = 0;
  if (!dumped || !PyArg_ParseTuple(dumped.get(), "O!p", &PyBytes_Type, &bytes, &needs_main)) return {};
  return {py::Ref::borrow(bytes), needs_main != 0};
}

// Whether pickle's error may mean a function or class that cannot be found by name. (AttributeError: before 3.14.)
bool is_nameless_error(Runtime& runtime) {
  if (PyErr_ExceptionMatches(PyExc_AttributeError) != 0) return true;
  py::Ref error = py::take_exception();
  PyObject* const pickling_error = cached(runtime.pickling_error, kPickleModule, "PicklingError");
  PyErr_Clear();
  py::restore_exception(std::move(error));
  return pickling_error != nullptr && PyErr_ExceptionMatches(pickling_error) != 0;
}

// If this fails too, the exception that is set now stays set.
Pickle pickle_nameless(Runtime& runtime, PyObject* value, PyObject* persistent_id, PyObject* reductions) {
  const Retry retry(runtime);
  py::Ref error = py::take_exception();
  Pickle pickled = pickle_by_value(value, persistent_id, reductions);
  if (!pickled.content && error) py::restore_exception(std::move(error));
  return pickled;
}

py::Ref unpickle_plainly(Runtime& runtime, const unsigned char* data, std::size_t size) {
  PyObject* const loads = cached(runtime.pickle_loads, kPickleModule, "loads");
  if (loads == nullptr) return {};
  // A view of the message, not a copy: unpickling copies the data that it keeps, and the view is dropped right after.
  auto* const content = const_cast<char*>(reinterpret_cast<const char*>(data));
  const py::Ref view = py::Ref::steal(PyMemoryView_FromMemory(content, static_cast<Py_ssize_t>(size), PyBUF_READ));
  return view ? py::Ref::steal(PyObject_CallOneArg(loads, view.get())) : py::Ref();
}

// An unpickler over some bytes. Its attributes can be set. Returns new.
py::Ref make_unpickler(Runtime& runtime, const unsigned char* data, std::size_t size) {
  PyObject* const unpickler_type = cached_class(runtime.unpickler_type, "Unpickler");
  PyObject* const file_type = cached(runtime.bytes_io_type, "_io", "BytesIO");
  if (unpickler_type == nullptr || file_type == nullptr) return {};
  const py::Ref file = py::Ref::steal(
      PyObject_CallFunction(file_type, "y#", reinterpret_cast<const char*>(data), static_cast<Py_ssize_t>(size)));
  return file ? py::Ref::steal(PyObject_CallOneArg(unpickler_type, file.get())) : py::Ref();
}

}  // namespace

PyObject* reduction_table(Runtime& runtime) { return cached(runtime.dispatch_table, "copyreg", "dispatch_table"); }

py::Ref find_class(Runtime& runtime, const std::string& module, const std::string& qualname, StandIns stand_ins) {
  const auto module_size = static_cast<Py_ssize_t>(module.size());
  const auto qualname_size = static_cast<Py_ssize_t>(qualname.size());
  if (stand_ins == StandIns::kForMissing) {
    const py::Ref refusals = py::Ref::steal(PyImport_ImportModule("aiointerpreters._refusals"));
    if (!refusals) return {};
    return py::Ref::steal(PyObject_CallMethod(refusals.get(), "find_class", "s#s#", module.data(), module_size,
                                              qualname.data(), qualname_size));
  }
  // `find_class` follows dotted names only if the unpickler has read a pickle of protocol 4 or later, so it reads an empty
  // one first.
  constexpr unsigned char kNothing[] = {0x80, 4, 'N', '.'};
  const py::Ref unpickler = make_unpickler(runtime, kNothing, sizeof kNothing);
  const py::Ref none = unpickler ? py::Ref::steal(PyObject_CallMethod(unpickler.get(), "load", nullptr)) : py::Ref();
  if (!none) return {};
  return py::Ref::steal(PyObject_CallMethod(unpickler.get(), "find_class", "s#s#", module.data(), module_size,
                                            qualname.data(), qualname_size));
}

Pickle pickle(Runtime& runtime, PyObject* value, PyObject* persistent_id, PyObject* reductions, ByValue by_value) {
  if (by_value == ByValue::kAtOnce) return pickle_by_value(value, persistent_id, reductions);
  py::Ref table;
  if (reductions != nullptr) {
    table = copied_table(runtime);
    if (!table || PyDict_Update(table.get(), reductions) < 0) return {};
  }
  Pickle pickled = dump(runtime, value, {.persistent_id = persistent_id, .dispatch_table = table.get()});
  const bool failed = !pickled.content;
  if (failed && (by_value == ByValue::kNever || !is_nameless_error(runtime))) return {};
  // A worker cannot run a `__main__` that is not a script.
  if (failed || (runtime.main_is_nowhere && pickled.needs_main))
    return pickle_nameless(runtime, value, persistent_id, reductions);
  return pickled;
}

Pickle pickle_unless_attached(Runtime& runtime, PyObject* value) {
  static PyMethodDef definition = {"refuse", refuse, METH_O, nullptr};
  const py::Ref refusal = py::Ref::steal(PyCFunction_New(&definition, nullptr));
  const py::Ref table = refusal ? refusing_table(runtime, refusal.get()) : py::Ref();
  if (!table) return {};
  Pickle pickled = dump(runtime, value, {.dispatch_table = table.get(), .buffer_callback = refusal.get()});
  if (runtime.main_is_nowhere && pickled.needs_main) return {};
  return pickled;
}

py::Ref unpickle(Runtime& runtime, const unsigned char* data, std::size_t size, PyObject* persistent_load) {
  if (persistent_load == nullptr) return unpickle_plainly(runtime, data, size);
  const py::Ref unpickler = make_unpickler(runtime, data, size);
  if (!unpickler || PyObject_SetAttrString(unpickler.get(), "persistent_load", persistent_load) < 0) return {};
  return py::Ref::steal(PyObject_CallMethod(unpickler.get(), "load", nullptr));
}

}  // namespace aiointerpreters::codec
