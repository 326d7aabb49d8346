// See module.h.
#include "binding/module.h"
#include "binding/asyncio_bridge.h"

#include <memory>
#include <utility>

#include "base/cpu.h"
#include "binding/cgroup_functions.h"
#include "binding/codec_functions.h"
#include "binding/copies_functions.h"
#include "binding/current_function.h"
#include "binding/executor_type.h"
#include "binding/extension_functions.h"
#include "binding/future_state.h"
#include "binding/future_type.h"
#include "binding/lifecycle_functions.h"
#include "binding/lost_tags.h"
#include "binding/module_state.h"
#include "binding/moved_call.h"
#include "binding/pool_type.h"
#include "binding/tag_type.h"
#include "binding/words.h"
#include "binding/worker_thread.h"
#include "codec/arrow_stream.h"
#include "codec/codec.h"
#include "codec/exporter.h"
#include "codec/remote_traceback.h"
#include "py/compat.h"
#include "py/error.h"
#include "py/method.h"
#include "py/thread_starter.h"

namespace aiointerpreters::binding {

namespace {

// Adds `object` to the module under `name` and keeps a reference; false with an exception set.
bool publish(PyObject* module, const char* name, py::Ref object, py::Ref& kept) {
  if (!object || PyModule_AddObjectRef(module, name, object.get()) < 0) return false;
  kept = std::move(object);
  return true;
}

py::Ref make_error(const char* name, const char* doc, PyObject* bases) {
  return py::Ref::steal(PyErr_NewExceptionWithDoc(name, doc, bases, nullptr));
}

bool add_errors(PyObject* module, codec::Runtime& runtime) {
  if (!publish(module, "InterpreterError",
               make_error("aiointerpreters.errors.InterpreterError",
                          "Base class of the exceptions that this package raises.", nullptr),
               runtime.interpreter_error)) {
    return false;
  }
  if (!publish(module, "TaskInterrupted",
               make_error("aiointerpreters.errors.TaskInterrupted",
                          "Raised in a function that is stopped, and by its future.\n\n"
                          "It derives from BaseException, so `except Exception` in the function does not catch it.\n"
                          "asyncio.CancelledError does the same (bpo-32528).",
                          PyExc_BaseException),
               runtime.task_interrupted)) {
    return false;
  }
  py::Ref bases = py::Ref::steal(PyTuple_Pack(2, runtime.interpreter_error.get(), PyExc_TypeError));
  return bases &&
         publish(module, "NotTransferableError",
                 make_error(
                     "aiointerpreters.errors.NotTransferableError",
                     "A function, an argument or a result cannot cross interpreters.\n\n"
                     "The message gives the path to the object that cannot cross, such as `argument 1['rows'][3]`,\n"
                     "`argument 'key'` or `result.items[2]`. Positional arguments are counted from 0. It is a TypeError,\n"
                     "because pickle raises TypeError for many objects that it cannot write.",
                     bases.get()),
                 runtime.not_transferable_error) &&
         publish(module, "RemoteTraceback", codec::make_remote_traceback_type(module), runtime.remote_traceback);
}

// Imports the modules that the main interpreter has to import first (hazard 1).
bool preimport() {
  if (!py::needs_home_preimports() || PyInterpreterState_Get() != PyInterpreterState_Main()) return true;
  for (const char* name : {"_datetime", "_struct", "cmath"}) {
    if (!py::Ref::steal(PyImport_ImportModule(name))) return false;
  }
  return true;
}

// How long it pays to spin for a result.
constexpr std::chrono::microseconds kResultSpin{30};

int execute(PyObject* module) {
  return py::guarded(-1, [&] {
    auto made = std::make_unique<ModuleState>();
    ModuleState& state = *made;
    *static_cast<ModuleState**>(PyModule_GetState(module)) = made.release();
    state.warns_of_lost_tags = wants_lost_tags();
    state.runtime.lessor = codec::LessorPtr(std::make_unique<codec::Lessor>().release());
    if (base::usable_cpus() > 1) state.result_spins = base::SpinPolicy(kResultSpin);
    const bool ready =
        preimport() && add_errors(module, state.runtime) &&
        publish(module, "interpreter", make_tag_type(module), state.runtime.tag_type) &&
        publish(module, "SharedBuffer", codec::make_shared_buffer_type(module), state.runtime.shared_buffer_type) &&
        publish(module, "Lease", codec::make_lease_type(module), state.runtime.lease_type) &&
        publish(module, "ArrowStream", codec::make_arrow_stream_type(module), state.runtime.arrow_stream_type) &&
        publish(module, "Pool", make_pool_type(module), state.pool_type) && add_codec_functions(module) &&
        add_copies_functions(module) && add_extension_functions(module) && add_cgroup_functions(module) &&
        add_current_function(module) && add_lifecycle_functions(module) && add_words_functions(module);
    return ready ? 0 : -1;
  });
}

// Imports `module` and stores its attribute `name` in `kept`. Both names may be dotted. False with an exception set.
bool import_into(const char* module, const char* name, py::Ref& kept) {
  py::Ref imported = py::Ref::steal(PyImport_ImportModule(module));
  kept = imported ? py::Ref::steal(PyObject_GetAttrString(imported.get(), name)) : py::Ref();
  return static_cast<bool>(kept);
}

bool read_main_thread(ModuleState& state) {
  py::Ref threading = py::Ref::steal(PyImport_ImportModule("threading"));
  py::Ref thread = threading ? py::Ref::steal(PyObject_CallMethod(threading.get(), "main_thread", nullptr)) : py::Ref();
  py::Ref ident = thread ? py::Ref::steal(PyObject_GetAttrString(thread.get(), "ident")) : py::Ref();
  if (!ident) return false;
  state.main_thread = PyLong_AsUnsignedLong(ident.get());
  return PyErr_Occurred() == nullptr;
}

// Creates Future and ExecutorBase, which need concurrent.futures. Only an interpreter with an executor has this cost.
bool add_executor_types(PyObject* module, ModuleState& state) {
  if (state.has_executors) return true;
  py::Ref future_base;
  py::Ref executor_base;
  const bool imported = import_into("concurrent.futures._base", "Future", future_base) &&
                        import_into("concurrent.futures.thread", "ThreadPoolExecutor", executor_base) &&
                        import_into("concurrent.futures.thread", "BrokenThreadPool", state.broken_pool_error) &&
                        import_into("concurrent.futures._base", "CancelledError", state.cancelled_error) &&
                        import_into("concurrent.futures._base", "InvalidStateError", state.invalid_state_error) &&
                        import_into("concurrent.futures._base", "LOGGER", state.logger) &&
                        import_into("threading", "Condition", state.condition_type) && read_main_thread(state);
  if (!imported || !find_standard_submit(executor_base.get(), state.standard_submit)) return false;
  state.thread_starter = py::find_thread_starter();
  if (!state.thread_starter) return false;
  // Does not exist before 3.14.
  if (!import_into("functools", "Placeholder", state.placeholder)) PyErr_Clear();
  if (state.has_executors) return true;  // another thread has created them meanwhile
  if (state.executor_type && !put_on_base(state.executor_type, executor_base.get())) return false;
  py::Ref type =
      state.executor_type ? py::Ref::borrow(state.executor_type.get()) : make_executor_type(module, executor_base.get());
  state.has_executors = publish(module, "Future", make_future_type(module, future_base.get()), state.future_type) &&
                        publish(module, "MovedCall", make_moved_call_type(module), state.moved_call_type) &&
                        publish(module, "ExecutorBase", std::move(type), state.executor_type);
  return state.has_executors;
}

PyObject* outline_executor(PyObject* module, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of(module);
    const bool is_workers = static_cast<bool>(state.runtime.module);
    if (!is_workers || state.executor_type) Py_RETURN_NONE;
    const py::Ref name = py::Ref::steal(PyUnicode_FromString("concurrent.futures._base"));
    const int is_imported = name ? PyDict_Contains(PyImport_GetModuleDict(), name.get()) : -1;
    if (is_imported < 0) return nullptr;
    if (is_imported != 0) Py_RETURN_NONE;
    state.executor_type = make_executor_outline(module);
    return state.executor_type ? py::Ref::borrow(state.executor_type.get()).release() : nullptr;
  });
}

// PEP 562: attributes of the module that are created on first use.
PyObject* get_attribute(PyObject* module, PyObject* name) {
  const auto is = [name](const char* text) { return PyUnicode_EqualToUTF8(name, text) != 0; };
  if (!is("Future") && !is("ExecutorBase") && !is("RunFuture") && !is("Current")) {
    return PyErr_Format(PyExc_AttributeError, "module 'aiointerpreters._core' has no attribute %R", name);
  }
  ModuleState& state = state_of(module);  // read late: the import system reads attributes of an unfinished module
  if (is("Current")) {
    PyObject* const type = current_type(state);
    return type != nullptr && PyModule_AddObjectRef(module, "Current", type) == 0 ? Py_NewRef(type) : nullptr;
  }
  const bool made = is("RunFuture") ? prepare_asyncio(module, state) : add_executor_types(module, state);
  if (!made) return nullptr;
  return PyObject_GetAttr(module, name);
}

PyObject* capture_function(PyObject* module, PyObject* const* args, Py_ssize_t nargs) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of(module);
    if (nargs < 1 || nargs > 2 || !is_tag(state, args[0])) {
      PyErr_SetString(PyExc_TypeError, "capture() takes a tagged callable, and a fallback");
      return nullptr;
    }
    Fallback fallback{};
    if (!read_fallback(nargs == 2 ? args[1] : nullptr, fallback)) return nullptr;
    return capture(state, args[0], fallback).release();
  });
}

PyObject* check_fallback(PyObject*, PyObject* value) {
  Fallback fallback{};
  if (!read_fallback(value, fallback)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* is_coroutine_function(PyObject* module, PyObject* callable) {
  return PyBool_FromLong(codec::is_coroutine_function(state_of(module).runtime, callable));
}

PyObject* is_worker(PyObject* module, PyObject*) {
  return PyBool_FromLong(static_cast<bool>(state_of(module).runtime.module));
}

PyObject* stand_by(PyObject*, PyObject*) { Py_RETURN_NONE; }

int traverse(PyObject* module, visitproc visit, void* arg) {
  ModuleState* const state = *static_cast<ModuleState**>(PyModule_GetState(module));
  if (state == nullptr) return 0;
  return state->each([&](py::Ref& ref) {
    Py_VISIT(ref.get());
    return 0;
  });
}

int clear(PyObject* module) {
  ModuleState* const state = *static_cast<ModuleState**>(PyModule_GetState(module));
  if (state == nullptr) return 0;
  return state->each([](py::Ref& ref) {
    ref.reset();
    return 0;
  });
}

void free_state(void* module) {
  const ModuleState* const state = *static_cast<ModuleState**>(PyModule_GetState(static_cast<PyObject*>(module)));
  if (state != nullptr && state->relay) state->relay->close();
  std::unique_ptr<ModuleState>(
      std::exchange(*static_cast<ModuleState**>(PyModule_GetState(static_cast<PyObject*>(module))), nullptr));
}

PyMethodDef kModuleMethods[] = {
    {"__getattr__", get_attribute, METH_O, nullptr},
    {"capture", py::as_method(capture_function), METH_FASTCALL,
     "capture($module, tagged, fallback=None, /)\n--\n\n"
     "Return the tagged callable in its current state. A callable that crosses by value is pickled only once, here.\n"
     "One that cannot cross, but may run elsewhere, is returned as it is. `fallback` is the executor's."},
    {"check_fallback", check_fallback, METH_O,
     "check_fallback($module, fallback, /)\n--\n\nRaise ValueError or TypeError if this is not a fallback, or None."},
    {"outline_executor", outline_executor, METH_NOARGS,
     "outline_executor($module, /)\n--\n\n"
     "Return ExecutorBase without its base class, or None if the complete one is needed.\n\n"
     "The outline exists in workers only, and only until concurrent.futures is imported there. The attribute "
     "`ExecutorBase`\n"
     "of this module completes it."},
    {"is_coroutine_function", is_coroutine_function, METH_O,
     "is_coroutine_function($module, fn, /)\n--\n\nReturn whether calls of `fn` would run in an event loop if it were "
     "tagged."},
    {"is_worker", is_worker, METH_NOARGS,
     "is_worker($module, /)\n--\n\nReturn whether this interpreter belongs to a worker of an executor."},
    {"stand_by", stand_by, METH_NOARGS,
     "stand_by($module, /)\n--\n\nDo nothing. `warm_up` submits this call, which runs when the interpreters are ready."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef_Slot kModuleSlots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(execute)},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, nullptr},
};

}  // namespace

PyModuleDef module_definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "aiointerpreters._core",
    .m_doc = "The engine of aiointerpreters.",
    .m_size = sizeof(ModuleState*),
    .m_methods = kModuleMethods,
    .m_slots = kModuleSlots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = free_state,
};

void log_warning(const std::string& text) {
  const py::Ref logging = py::Ref::steal(PyImport_ImportModule("logging"));
  const py::Ref logger =
      logging ? py::Ref::steal(PyObject_CallMethod(logging.get(), "getLogger", "s", "aiointerpreters")) : py::Ref();
  const py::Ref logged =
      logger ? py::Ref::steal(PyObject_CallMethod(logger.get(), "warning", "ss", "%s", text.c_str())) : py::Ref();
  if (!logged) PyErr_WriteUnraisable(logger.get());
}

std::shared_ptr<pool::Reporter> make_reporter(const ModuleState& home) {
  return std::make_shared<pool::Reporter>(home.runtime.lessor, log_warning);
}

void log_setup_failure(const char* title, const pool::Breakage& breakage) {
  ModuleState* const state = find_state();
  if (state == nullptr) return PyErr_Clear();
  py::restore_exception(codec::decode_exception(state->runtime, breakage.cause));
  log_exception(*state, "critical", title, nullptr);
}

codec::Runtime* enter_interpreter() {
  // The type of every module's spec. Using sys's avoids an import of importlib.
  py::Ref sys = py::Ref::steal(PyImport_ImportModule("sys"));
  py::Ref sys_spec = sys ? py::Ref::steal(PyObject_GetAttrString(sys.get(), "__spec__")) : py::Ref();
  if (!sys_spec) return nullptr;
  py::Ref spec = py::Ref::steal(
      PyObject_CallFunction(reinterpret_cast<PyObject*>(Py_TYPE(sys_spec.get())), "sO", module_definition.m_name, Py_None));
  if (!spec) return nullptr;
  py::Ref module = py::Ref::steal(PyModule_FromDefAndSpec(&module_definition, spec.get()));
  if (!module || PyObject_SetAttrString(module.get(), "__spec__", spec.get()) < 0 ||
      PyModule_ExecDef(module.get(), &module_definition) < 0 ||
      PyDict_SetItemString(PyImport_GetModuleDict(), module_definition.m_name, module.get()) < 0) {
    return nullptr;
  }
  codec::Runtime& runtime = state_of(module.get()).runtime;
  runtime.module = std::move(module);
  runtime.wake_waiting = AsyncioBridge::wake_all;
  return &runtime;
}

ModuleState* find_state() {
  const py::Ref name = py::Ref::steal(PyUnicode_FromString(module_definition.m_name));
  const py::Ref module = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();  // sys.modules keeps it alive
  const bool is_ours = module && PyModule_Check(module.get()) && PyModule_GetDef(module.get()) == &module_definition;
  if (is_ours) return &state_of(module.get());
  if (PyErr_Occurred() == nullptr)
    PyErr_SetString(PyExc_ImportError, "aiointerpreters._core is no longer imported in this interpreter");
  return nullptr;
}

codec::Runtime* find_runtime() {
  ModuleState* const state = find_state();
  return state == nullptr ? nullptr : &state->runtime;
}

}  // namespace aiointerpreters::binding

PyMODINIT_FUNC PyInit__core();
PyMODINIT_FUNC PyInit__core() { return PyModuleDef_Init(&aiointerpreters::binding::module_definition); }
