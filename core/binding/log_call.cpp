// See log_call.h.
#include "binding/log_call.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "binding/record_fields.h"
#include "codec/codec.h"
#include "pool/relay.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

// The parts of `logging` that a call depends on, as they were when the module was complete: methods of Logger, then globals.
constexpr std::array kMethods{"handle", "makeRecord", "callHandlers", "findCaller", "filter"};
constexpr std::array kGlobals{"_logRecordFactory", "logThreads", "logAsyncioTasks", "_srcfile"};

struct Known {
  py::Ref name;
  py::Ref value;
};

struct LogCall {
  codec::Runtime* runtime = nullptr;  // in the state of `core`
  py::Ref core;
  py::Ref original;     // Logger._log
  py::Ref logger_type;  // Logger
  py::Ref root_type;    // RootLogger
  py::Ref null_handler;
  py::Ref globals;  // of `logging`
  py::Ref source;   // the file name of its code
  py::Ref current_thread;
  py::Ref modules;  // sys.modules
  std::array<Known, kMethods.size()> methods;
  std::array<Known, kGlobals.size()> known_globals;
  struct Names {
    py::Ref name, disabled, filters, handlers, propagate, parent, co_filename, co_name, asyncio, importlib, bootstrap;
  } names;
};

struct LogCallObject {
  PyObject_HEAD
  vectorcallfunc vectorcall;
  LogCall* call;
};

LogCall& call_of(PyObject* self) noexcept { return *reinterpret_cast<LogCallObject*>(self)->call; }

template <typename Visit>
int each_ref(LogCall& call, Visit&& visit) {
  for (py::Ref* ref : {&call.core, &call.original, &call.logger_type, &call.root_type, &call.null_handler, &call.globals,
                       &call.source, &call.current_thread, &call.modules}) {
    if (const int stop = visit(*ref)) return stop;
  }
  for (Known& each : call.methods)
    if (const int stop = visit(each.value)) return stop;
  for (Known& each : call.known_globals)
    if (const int stop = visit(each.value)) return stop;
  return 0;
}

py::Ref attribute(PyObject* object, const py::Ref& name) { return py::Ref::steal(PyObject_GetAttr(object, name.get())); }

// ---- Whether a call is an ordinary one. Each leaves an exception set only if it returns false.

bool is_plain(PyObject* value) noexcept {
  return value == Py_None || PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || PyFloat_CheckExact(value) ||
         PyBool_Check(value) || PyBytes_CheckExact(value);
}

bool are_plain(PyObject* args) noexcept {
  if (!PyTuple_CheckExact(args)) return false;
  PyObject* const* const items = PySequence_Fast_ITEMS(args);
  return std::all_of(items, items + PyTuple_GET_SIZE(args), is_plain);
}

bool is_module_unchanged(const LogCall& call) {
  for (const Known& known : call.known_globals) {
    if (PyDict_GetItemWithError(call.globals.get(), known.name.get()) != known.value.get()) return false;
  }
  return std::ranges::all_of(call.methods, [&](const Known& known) {
    return attribute(call.logger_type.get(), known.name).get() == known.value.get();
  });
}

bool is_empty_list(const py::Ref& list) noexcept {
  return list && PyList_CheckExact(list.get()) && PyList_GET_SIZE(list.get()) == 0;
}

// Whether no handler of this interpreter gets its records, and no filter sees them.
bool has_only_home(const LogCall& call, PyObject* logger) {
  if (attribute(logger, call.names.disabled).get() != Py_False || !is_empty_list(attribute(logger, call.names.filters)))
    return false;
  py::Ref next = py::Ref::borrow(logger);
  while (next && next.get() != Py_None) {
    const py::Ref handlers = attribute(next.get(), call.names.handlers);
    if (!handlers || !PyList_CheckExact(handlers.get())) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(handlers.get()); ++i) {
      auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(PyList_GET_ITEM(handlers.get(), i)));
      if (type != call.null_handler.get()) return false;
    }
    const py::Ref propagates = attribute(next.get(), call.names.propagate);
    if (!propagates || (propagates.get() != Py_True && PyObject_IsTrue(propagates.get()) <= 0)) break;
    next = attribute(next.get(), call.names.parent);
  }
  return PyErr_Occurred() == nullptr;
}

// ---- What a record says about its place and time

// Skips frames of `logging` and of the import system, as Logger.findCaller does.
bool is_internal(const LogCall& call, const py::Ref& file) {
  if (file.get() == call.source.get()) return true;
  if (!PyUnicode_Check(file.get())) return false;
  return PyUnicode_Compare(file.get(), call.source.get()) == 0 ||
         (PyUnicode_Contains(file.get(), call.names.importlib.get()) > 0 &&
          PyUnicode_Contains(file.get(), call.names.bootstrap.get()) > 0);
}

struct Place {
  py::Ref file;
  py::Ref function;
  int line = 0;
};

bool find_place(const LogCall& call, Place& place) {
  py::Ref frame = py::Ref::borrow(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  while (frame) {
    auto* const current = reinterpret_cast<PyFrameObject*>(frame.get());
    const py::Ref code = py::Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(current)));
    place.file = attribute(code.get(), call.names.co_filename);
    if (!place.file) return false;
    py::Ref back = py::Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(current)));
    if (!is_internal(call, place.file) || !back) {
      place.function = attribute(code.get(), call.names.co_name);
      place.line = PyFrame_GetLineNumber(current);
      return static_cast<bool>(place.function);
    }
    frame = std::move(back);
  }
  return false;
}

// The name of the asyncio task that runs, or None. Leaves no exception set.
py::Ref task_name(const LogCall& call) {
  PyObject* const asyncio = PyDict_GetItemWithError(call.modules.get(), call.names.asyncio.get());  // borrowed
  py::Ref loop = asyncio != nullptr ? py::Ref::steal(PyObject_CallMethod(asyncio, "_get_running_loop", nullptr)) : py::Ref();
  py::Ref name;
  if (loop && loop.get() != Py_None) {
    const py::Ref task = py::Ref::steal(PyObject_CallMethod(asyncio, "current_task", "O", loop.get()));
    if (task && task.get() != Py_None) name = py::Ref::steal(PyObject_CallMethod(task.get(), "get_name", nullptr));
  }
  if (!name) static_cast<void>(py::clear_ordinary_exception());
  return name ? std::move(name) : py::Ref::borrow(Py_None);
}

// Seconds since the epoch, and the milliseconds in them, as a LogRecord has them.
std::pair<double, double> time_now() {
  using std::chrono::system_clock;
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(system_clock::now().time_since_epoch()).count();
  const double created = static_cast<double>(ns) / 1e9;
  const std::int64_t whole_milliseconds = ns % 1'000'000'000 / 1'000'000;
  const auto milliseconds = static_cast<double>(whole_milliseconds);
  const bool is_rounded_up = milliseconds == 999.0 && static_cast<long long>(created) != ns / 1'000'000'000;
  return {created, is_rounded_up ? 0.0 : milliseconds};
}

// ---- The call

// False, with no exception set: the original function has to do it. Or with one that the call raises.
bool post_directly(const LogCall& call, PyObject* logger, PyObject* level, PyObject* text, PyObject* args) {
  Place place;
  if (!find_place(call, place)) return false;
  const py::Ref thread = py::Ref::steal(PyObject_CallNoArgs(call.current_thread.get()));
  const py::Ref thread_name = thread ? attribute(thread.get(), call.names.name) : py::Ref();
  const py::Ref logger_name = thread_name ? attribute(logger, call.names.name) : py::Ref();
  if (!logger_name || !PyUnicode_CheckExact(logger_name.get()) || !PyUnicode_CheckExact(thread_name.get())) return false;
  const py::Ref task = task_name(call);
  const auto [created, milliseconds] = time_now();
  const py::Ref content = py::Ref::steal(PyTuple_New(kRecordFields.size()));
  bool is_whole = static_cast<bool>(content);
  const auto put = [&](Py_ssize_t field, PyObject* value) {  // steals it
    is_whole = is_whole && value != nullptr;
    content ? PyTuple_SET_ITEM(content.get(), field, value) : Py_XDECREF(value);
  };
  put(record_field("name"), Py_NewRef(logger_name.get()));
  put(record_field("levelno"), Py_NewRef(level));
  put(record_field("pathname"), Py_NewRef(place.file.get()));
  put(record_field("lineno"), PyLong_FromLong(place.line));
  put(record_field("msg"), Py_NewRef(text));
  put(record_field("args"), Py_NewRef(args));
  put(record_field("funcName"), Py_NewRef(place.function.get()));
  put(record_field("created"), PyFloat_FromDouble(created));
  put(record_field("msecs"), PyFloat_FromDouble(milliseconds));
  put(record_field("thread"), PyLong_FromUnsignedLong(PyThread_get_thread_ident()));
  put(record_field("threadName"), Py_NewRef(thread_name.get()));
  put(record_field("taskName"), Py_NewRef(task.get()));
  put(record_field("exc_text"), Py_NewRef(Py_None));
  put(record_field("stack_info"), Py_NewRef(Py_None));
  if (!is_whole) return false;
  auto word = std::make_unique<pool::Word>();
  if (!codec::encode_value(*call.runtime, content.get(), word->content)) return false;
  call.runtime->relay->post(std::move(word));
  return true;
}

bool is_ordinary(const LogCall& call, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  if (nargs != 4 || (kwnames != nullptr && PyTuple_GET_SIZE(kwnames) > 0)) return false;
  auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(args[0]));
  if (type != call.logger_type.get() && type != call.root_type.get()) return false;
  return PyLong_CheckExact(args[1]) && PyUnicode_CheckExact(args[2]) && are_plain(args[3]) && is_module_unchanged(call) &&
         has_only_home(call, args[0]);
}

PyObject* log_call(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* kwnames) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const LogCall& call = call_of(self);
    if (is_ordinary(call, args, PyVectorcall_NARGS(nargsf), kwnames) &&
        post_directly(call, args[0], args[1], args[2], args[3])) {
      Py_RETURN_NONE;
    }
    if (!py::clear_ordinary_exception()) return nullptr;
    return PyObject_Vectorcall(call.original.get(), args, nargsf & ~PY_VECTORCALL_ARGUMENTS_OFFSET, kwnames);
  });
}

PyObject* log_call_get(PyObject* self, PyObject* instance, PyObject*) {
  return instance == nullptr || instance == Py_None ? Py_NewRef(self) : PyMethod_New(self, instance);
}

// Attributes such as __doc__ and __name__ are those of the original.
PyObject* log_call_getattro(PyObject* self, PyObject* name) {
  PyObject* const found = PyObject_GenericGetAttr(self, name);
  if (found != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) return found;
  PyErr_Clear();
  return PyObject_GetAttr(call_of(self).original.get(), name);
}

int log_call_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (reinterpret_cast<LogCallObject*>(self)->call == nullptr) return 0;
  return each_ref(call_of(self), [&](py::Ref& ref) {
    Py_VISIT(ref.get());
    return 0;
  });
}

void log_call_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  std::unique_ptr<LogCall>(std::exchange(reinterpret_cast<LogCallObject*>(self)->call, nullptr)).reset();
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef kLogCallMembers[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, static_cast<Py_ssize_t>(offsetof(LogCallObject, vectorcall)), Py_READONLY,
     nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot kLogCallSlots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(log_call_get)},
    {Py_tp_getattro, reinterpret_cast<void*>(log_call_getattro)},
    {Py_tp_traverse, reinterpret_cast<void*>(log_call_traverse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(log_call_dealloc)},
    {Py_tp_members, kLogCallMembers},
    {0, nullptr},
};

PyType_Spec kLogCallSpec = {
    .name = "aiointerpreters._core.LogCall",
    .basicsize = sizeof(LogCallObject),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
             Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kLogCallSlots,
};

bool find_parts(LogCall& call, PyObject* logging) {
  const auto find = [&](PyObject* owner, const char* name, py::Ref& kept) {
    kept = py::Ref::steal(PyObject_GetAttrString(owner, name));
    return static_cast<bool>(kept);
  };
  const auto name = [](const char* text, py::Ref& kept) {
    kept = py::Ref::steal(PyUnicode_InternFromString(text));
    return static_cast<bool>(kept);
  };
  LogCall::Names& names = call.names;
  const py::Ref threading = py::Ref::steal(PyImport_ImportModule("threading"));
  call.globals = py::Ref::borrow(PyModule_GetDict(logging));
  call.modules = py::Ref::borrow(PyImport_GetModuleDict());
  if (!threading || !find(threading.get(), "current_thread", call.current_thread) ||
      !find(logging, "Logger", call.logger_type) || !find(logging, "RootLogger", call.root_type) ||
      !find(logging, "NullHandler", call.null_handler) || !find(logging, "_srcfile", call.source) ||
      !find(call.logger_type.get(), "_log", call.original) || !name("name", names.name) ||
      !name("disabled", names.disabled) || !name("filters", names.filters) || !name("handlers", names.handlers) ||
      !name("propagate", names.propagate) || !name("parent", names.parent) || !name("co_filename", names.co_filename) ||
      !name("co_name", names.co_name) || !name("asyncio", names.asyncio) || !name("importlib", names.importlib) ||
      !name("_bootstrap", names.bootstrap)) {
    return false;
  }
  for (std::size_t i = 0; i < kMethods.size(); ++i) {
    Known& known = call.methods[i];
    if (!name(kMethods[i], known.name) || !find(call.logger_type.get(), kMethods[i], known.value)) return false;
  }
  for (std::size_t i = 0; i < kGlobals.size(); ++i) {
    Known& known = call.known_globals[i];
    if (!name(kGlobals[i], known.name) || !find(logging, kGlobals[i], known.value)) return false;
  }
  return true;
}

}  // namespace

py::Ref make_log_call(PyObject* core, codec::Runtime& runtime, PyObject* logging) {
  auto call = std::make_unique<LogCall>();
  call->runtime = &runtime;
  call->core = py::Ref::borrow(core);
  if (!find_parts(*call, logging)) return {};
  const py::Ref type = py::Ref::steal(PyType_FromModuleAndSpec(core, &kLogCallSpec, nullptr));
  if (!type) return {};
  auto* const made = PyObject_GC_New(LogCallObject, reinterpret_cast<PyTypeObject*>(type.get()));
  if (made == nullptr) return {};
  made->vectorcall = log_call;
  made->call = call.release();
  PyObject_GC_Track(made);
  return py::Ref::steal(reinterpret_cast<PyObject*>(made));
}

}  // namespace aiointerpreters::binding
