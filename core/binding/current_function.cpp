// See current_function.h.
#include "binding/current_function.h"

#include <string_view>
#include <utility>

#include "py/error.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

namespace {

PyStructSequence_Field kCurrentFields[] = {
    {"where",
     "\"interpreter\": in a worker's interpreter, as tagged functions are. \"thread\": in a thread of an executor, as "
     "untagged functions, thread initializers and callbacks of futures are. \"process\": in another process of an executor. "
     "\"home\": anywhere else"},
    {"executor", "the executor's `thread_name_prefix`, or the name that it has without one; None at home"},
    {"worker", "the name of the executor's thread or process; None at home"},
    {"interpreter",
     "the ID of the worker's interpreter, as in concurrent.interpreters; None outside of workers' interpreters"},
    {nullptr, nullptr},
};

PyStructSequence_Desc kCurrentType = {
    .name = "aiointerpreters.Current",
    .doc = "Where code runs: the result of `current`. It is a tuple of these four values, too.",
    .fields = kCurrentFields,
    .n_in_sequence = 4,
};

// Thread names may contain lone surrogates.
py::Ref text_from(std::string_view text) {
  return py::Ref::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogatepass"));
}

// Returns new; null with an exception set.
PyObject* make_current(ModuleState& state, const char* where, std::string_view worker, bool in_interpreter) {
  PyObject* const type = current_type(state);
  py::Ref made = type == nullptr ? py::Ref() : py::Ref::steal(PyStructSequence_New(reinterpret_cast<PyTypeObject*>(type)));
  const std::string_view executor = worker.substr(0, worker.rfind('_'));  // threads are named PREFIX_NUMBER
  py::Ref values[] = {
      py::Ref::steal(PyUnicode_FromString(where)),
      worker.empty() ? py::Ref::borrow(Py_None) : text_from(executor),
      worker.empty() ? py::Ref::borrow(Py_None) : text_from(worker),
      in_interpreter ? py::Ref::steal(PyLong_FromLongLong(PyInterpreterState_GetID(PyInterpreterState_Get())))
                     : py::Ref::borrow(Py_None),
  };
  Py_ssize_t at = 0;
  for (py::Ref& value : values) {
    if (!made || !value) return nullptr;
    PyStructSequence_SetItem(made.get(), at++, value.release());
  }
  return made.release();
}

PyObject* current(PyObject* module, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of(module);
    const bool in_interpreter = static_cast<bool>(state.runtime.module);
    const auto serving = state.serving.find(PyThread_get_thread_ident());
    // In a worker's interpreter, this is a thread of an executor that a task has created there.
    if (serving != state.serving.end()) return make_current(state, "thread", serving->second, in_interpreter);
    if (in_interpreter) return make_current(state, "interpreter", state.runtime.worker_name, true);
    if (!state.process_name.empty()) return make_current(state, "process", state.process_name, false);
    return make_current(state, "home", {}, false);
  });
}

PyObject* name_process(PyObject* module, PyObject* name) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const py::Ref text = py::Ref::steal(PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass"));
    if (!text) return nullptr;
    state_of(module).process_name = PyBytes_AS_STRING(text.get());
    Py_RETURN_NONE;
  });
}

PyMethodDef kCurrentFunctions[] = {
    {"current", current, METH_NOARGS,
     "current()\n--\n\n"
     "Tell where the calling code runs.\n\n"
     "A tagged function runs in a worker's interpreter, and so do its coroutines, the threads that it starts, and a tagged\n"
     "initializer. An untagged function runs in a thread of the executor. A function of the process lane runs in another\n"
     "process. All other code runs at home, also a tagged function that is called directly there.\n\n"
     "Returns:\n"
     "    A Current, with the attributes `where`, `executor`, `worker` and `interpreter`. It is plain data, which can "
     "cross\n"
     "    interpreters."},
    {"name_process", name_process, METH_O,
     "name_process($module, name, /)\n--\n\nSay that this process is an executor's, and has this name."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* current_type(ModuleState& state) {
  if (!state.current_type) {
    state.current_type = py::Ref::steal(reinterpret_cast<PyObject*>(PyStructSequence_NewType(&kCurrentType)));
  }
  return state.current_type.get();
}

bool add_current_function(PyObject* module) { return PyModule_AddFunctions(module, kCurrentFunctions) == 0; }

}  // namespace aiointerpreters::binding
