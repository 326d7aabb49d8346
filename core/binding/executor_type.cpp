// See executor_type.h. `submit` is the home half of docs/design/data_path.md.
#include "binding/executor_type.h"

#include <cstddef>
#include <memory>
#include <utility>

#include "binding/asyncio_bridge.h"
#include "binding/awaited_task.h"
#include "binding/call.h"
#include "binding/carried_context.h"
#include "binding/future_state.h"
#include "binding/outcome.h"
#include "binding/pool_type.h"
#include "binding/run_future_type.h"
#include "binding/tag_type.h"
#include "codec/codec.h"
#include "py/error.h"
#include "py/method.h"

namespace aiointerpreters::binding {

namespace {

constexpr const char* kInterpreterShutdown = "cannot schedule new futures after interpreter shutdown";

// A member of the kind that `__slots__` makes, so that the inherited deallocation lets go of it, also where a class derived
// from this one has a `__del__` of its own.
struct ExecutorState {
  PyObject* pool;     // a _core.Pool; null until `_bind`
  PyObject* context;  // what context variables tagged calls carry (carried_context.h), or null
};

ExecutorState& inside(PyObject* self, PyTypeObject* type) noexcept {
  return *static_cast<ExecutorState*>(PyObject_GetTypeData(self, type));
}

// Whether the exception that is set is about what the callable or its arguments cannot do: the future tells that, never submit.
bool is_refusal() { return PyErr_ExceptionMatches(PyExc_Exception) != 0 && PyErr_ExceptionMatches(PyExc_MemoryError) == 0; }

// Makes such an exception the outcome of a future. Errors: false with the exception set if it is none.
bool refuse(ModuleState& state, PyObject* future) {
  if (!is_refusal()) return false;
  FutureState& data = state_of_future(state, future);
  static_cast<void>(data.task->start());
  show_to_collector(future);
  data.outcome = PyErr_GetRaisedException();
  data.failed = true;
  static_cast<void>(data.task->finish());
  return true;
}

// Writes a call into a task of the worker side; `context` is the executor's. Runs Python. Errors: false with an exception set.
bool write_call(ModuleState& state, const Call& call, PyObject* context, pool::Task& task) {
  task.callable = call.describe(state);
  if (!task.callable || !codec::encode_call(state.runtime, call.args(), call.nargs(), call.kwnames(), task.message)) {
    return false;
  }
  task.callable_id = task.callable->id;
  task.message.needs_main |= task.callable->needs_main;
  PyObject* const declared = call.declared_context();
  if (declared == nullptr && context == nullptr) return true;
  return carry_context(state, call.context(), {context, declared}, task);
}

// Makes the future of a tagged call. It is done already if the call cannot cross. Null with an exception set.
py::Ref prepare_for_worker(ModuleState& state, const Call& call, PyObject* context) {
  py::Ref future = make_future(state, reinterpret_cast<PyTypeObject*>(state.future_type.get()), pool::Task::Side::kWorker);
  if (!future) return future;
  hide_from_collector(future.get());
  FutureTask& task = *state_of_future(state, future.get()).task;
  return write_call(state, call, context, task) || refuse(state, future.get()) ? std::move(future) : py::Ref();
}

// Makes the future of an untagged call, which holds the callable and its arguments until they are used.
py::Ref prepare_for_home(ModuleState& state, const Call& call) {
  py::Ref future = make_future(state, reinterpret_cast<PyTypeObject*>(state.future_type.get()), pool::Task::Side::kHome);
  if (!future) return future;
  FutureState& data = state_of_future(state, future.get());
  const Py_ssize_t named = call.kwnames() == nullptr ? 0 : PyTuple_GET_SIZE(call.kwnames());
  const Py_ssize_t arguments = call.nargs() + named;
  data.call = PyTuple_New(1 + arguments);
  if (data.call == nullptr) return {};
  PyTuple_SET_ITEM(data.call, 0, Py_NewRef(call.fn()));
  for (Py_ssize_t i = 0; i < arguments; ++i) PyTuple_SET_ITEM(data.call, 1 + i, Py_NewRef(call.args()[i]));
  if (named > 0) data.kwnames = Py_NewRef(call.kwnames());
  data.task->hold(future.get());
  return future;
}

// Raises why the pool takes no more tasks.
void raise_refusal(ModuleState& state, const pool::Pool& pool, pool::Task::Side side) {
  const std::shared_ptr<const pool::Breakage> breakage = pool.broken(side);
  if (!breakage) {
    PyErr_SetString(PyExc_RuntimeError, state.exiting ? kInterpreterShutdown : "cannot schedule new futures after shutdown");
    return;
  }
  py::Ref error = broken_pool_exception(state, *breakage);
  if (error) py::restore_exception(std::move(error));
}

// Whether the operating system has started the thread that `_start_thread` has put into the list. Nothing else tells, where
// Ctrl-C has come in between. Leaves no exception set.
bool has_begun(PyObject* threads) {
  py::Ref handle;
  for (const char* name : {"_os_thread_handle", "_handle"}) {  // the latter on 3.13.0
    if (PyList_GET_SIZE(threads) == 0 || handle) break;
    handle = py::Ref::steal(PyObject_GetAttrString(PyList_GET_ITEM(threads, 0), name));
    PyErr_Clear();
  }
  const py::Ref ident = handle ? py::Ref::steal(PyObject_GetAttrString(handle.get(), "ident")) : py::Ref();
  const bool begun = ident && PyObject_IsTrue(ident.get()) == 1;
  PyErr_Clear();
  return begun;
}

// A pool that wants a thread gets one from the Python half. Errors: false with the exception set, if nobody is left to
// serve, or if it says nothing of the thread (Ctrl-C).
bool start_thread(PyObject* self, pool::Pool& pool) {
  const py::Ref threads = py::Ref::steal(PyList_New(0));
  const py::Ref started =
      threads ? py::Ref::steal(PyObject_CallMethod(self, "_start_thread", "O", threads.get())) : py::Ref();
  if (started) return true;
  py::Ref error = py::take_exception();
  const bool is_refusal = PyErr_GivenExceptionMatches(error.get(), PyExc_RuntimeError) != 0 ||
                          PyErr_GivenExceptionMatches(error.get(), PyExc_MemoryError) != 0;
  const bool served = (threads && has_begun(threads.get())) || pool.thread_failed();
  if (!served) {
    pool::TaskList tasks = pool.take_queued();
    while (const pool::TaskPtr task = tasks.pop()) task->cancel_at_home();
  }
  if (served && is_refusal) return true;
  py::restore_exception(std::move(error));
  return false;
}

// Queues a prepared task. False with an exception set; it is not queued then, or was cancelled.
bool enqueue(PyObject* self, ModuleState& state, pool::Pool& pool, pool::Task& task) {
  if (!state.environment.refresh(state.runtime)) return false;
  if (state.environment.current()->version != pool.environment_version()) pool.set_environment(state.environment.current());
  const bool is_coroutine_function = task.callable && task.callable->is_coroutine_function;
  switch (is_coroutine_function ? pool.submit_to_loop(pool::TaskPtr(&task)) : pool.submit(pool::TaskPtr(&task))) {
    case pool::Pool::Submitted::kQueued:
      return true;
    case pool::Pool::Submitted::kNeedsThread:
      return start_thread(self, pool);
    case pool::Pool::Submitted::kRefused:
      break;
  }
  raise_refusal(state, pool, task.side());
  return false;
}

// Queues the task of a prepared future, unless it is done. Returns the future; null with an exception set.
PyObject* enqueue_future(PyObject* self, ModuleState& state, pool::Pool& pool, py::Ref future) {
  if (!future) return nullptr;
  FutureTask& task = *state_of_future(state, future.get()).task;
  if (task.done()) return future.release();  // its arguments cannot cross
  task.queued = true;
  if (enqueue(self, state, pool, task)) return future.release();
  py::Ref error = py::take_exception();
  task.settle_at_home(pool::Task::Change::kQuiet);
  py::restore_exception(std::move(error));
  return nullptr;
}

// Errors: null with RuntimeError set if a pool cannot be used here and now.
pool::Pool* usable_pool(ModuleState& state, PyObject* self, PyTypeObject* type) {
  PyObject* object = inside(self, type).pool;
  if (object != nullptr && !is_here(state, object)) {
    if (!py::Ref::steal(PyObject_CallMethod(self, "_renew", nullptr))) return nullptr;
    object = inside(self, type).pool;
  }
  pool::Pool* const pool = object == nullptr ? nullptr : pool_in(state, object).get();
  if (pool == nullptr) PyErr_SetString(PyExc_RuntimeError, "the executor's __init__ has not run");
  if (pool != nullptr && state.exiting) {
    PyErr_SetString(PyExc_RuntimeError, kInterpreterShutdown);
    return nullptr;
  }
  return pool != nullptr && may_use_pools(state) ? pool : nullptr;
}

PyObject* executor_submit(PyObject* self, PyTypeObject* type, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (nargs < 1) {
      PyErr_SetString(PyExc_TypeError, "submit() missing 1 required positional argument: 'fn'");
      return nullptr;
    }
    ModuleState& state = state_of_type(type);
    state.runtime.lessor->take_back();
    pool::Pool* const pool = usable_pool(state, self, type);
    Call call(args[0], args + 1, nargs - 1, kwnames);
    if (pool == nullptr || !call.open(state)) return nullptr;
    py::Ref future =
        call.tagged() ? prepare_for_worker(state, call, inside(self, type).context) : prepare_for_home(state, call);
    return enqueue_future(self, state, *pool, std::move(future));
  });
}

// _submit_rows(tagged, rows): one task that calls the function once for each tuple of arguments, for map's chunks.
PyObject* executor_submit_rows(PyObject* self, PyTypeObject* type, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of_type(type);
    if (nargs != 2 || !is_tag(state, args[0]) || !PyList_CheckExact(args[1])) {
      PyErr_SetString(PyExc_TypeError, "_submit_rows() takes a tagged callable and a list of tuples");
      return nullptr;
    }
    pool::Pool* const pool = usable_pool(state, self, type);
    Call call(args[0], args + 1, 1, nullptr);
    if (pool == nullptr) return nullptr;
    call.take_tag();  // only: the arguments of a partial belong to each row
    py::Ref future = prepare_for_worker(state, call, inside(self, type).context);
    if (!future) return nullptr;
    state_of_future(state, future.get()).task->in_rows = true;
    return enqueue_future(self, state, *pool, std::move(future));
  });
}

// Makes the exception that is set the outcome of an awaited call. Returns the future; null with an exception set.
PyObject* refuse_awaited(const ModuleState& state, py::Ref future) {
  if (!is_refusal()) return nullptr;
  const py::Ref error = py::take_exception();
  const py::Ref told =
      py::Ref::steal(PyObject_CallMethodOneArg(future.get(), state.asyncio.names.set_exception.get(), error.get()));
  return told ? future.release() : nullptr;
}

PyObject* executor_run(PyObject* self, PyTypeObject* type, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (nargs < 1) {
      PyErr_SetString(PyExc_TypeError, "run() missing 1 required positional argument: 'fn'");
      return nullptr;
    }
    if (PyCallable_Check(args[0]) == 0) {
      return PyErr_Format(PyExc_TypeError, "run() needs something that can be called, not %R", args[0]);
    }
    ModuleState& state = state_of_type(type);
    state.runtime.lessor->take_back();
    pool::Pool* const pool = usable_pool(state, self, type);
    const py::Ref bridge =
        pool != nullptr && prepare_asyncio(PyType_GetModule(type), state) ? running_bridge(state) : py::Ref();
    Call call(args[0], args + 1, nargs - 1, kwnames);
    if (!bridge || !call.open(state, true)) return nullptr;
    py::Ref future = make_run_future(state, bridge_in(bridge).loop());
    if (!future) return nullptr;
    const AwaitedTaskPtr task(std::make_unique<AwaitedTask>(state).release());
    if (!write_call(state, call, inside(self, type).context, *task)) return refuse_awaited(state, std::move(future));
    if (bridge_in(bridge).loop() == nullptr) {  // encoding runs Python
      PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");
      return nullptr;
    }
    task->expect(bridge_in(bridge), future.get());
    if (py::guarded(false, [&] { return enqueue(self, state, *pool, *task); })) return future.release();
    py::Ref error = py::take_exception();
    task->forget();
    py::restore_exception(std::move(error));
    return nullptr;
  });
}

PyObject* executor_bind(PyObject* self, PyTypeObject* type, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  ModuleState& state = state_of_type(type);
  if (nargs != 1) {
    PyErr_SetString(PyExc_TypeError, "_bind() takes one argument, the pool");
    return nullptr;
  }
  if (!pool_in(state, args[0])) return nullptr;
  Py_XSETREF(inside(self, type).pool, Py_NewRef(args[0]));
  Py_RETURN_NONE;
}

PyObject* executor_declare_context(PyObject* self, PyTypeObject* type, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  if (nargs != 1) {
    PyErr_SetString(PyExc_TypeError, "_declare_context() takes one argument, the variables");
    return nullptr;
  }
  py::Ref declared = declare_context(args[0]);
  if (!declared && PyErr_Occurred() != nullptr) return nullptr;
  Py_XSETREF(inside(self, type).context, declared.release());
  Py_RETURN_NONE;
}

constexpr int kMethodFlags = METH_METHOD | METH_FASTCALL | METH_KEYWORDS;

PyMethodDef kMethods[] = {
    {"submit", py::as_method(executor_submit), kMethodFlags,
     "submit($self, fn, /, *args, **kwargs)\n--\n\n"
     "Schedule fn(*args, **kwargs) and return its concurrent.futures.Future.\n\n"
     "A tagged fn, a functools.partial of one, and what asyncio.to_thread makes of one run in an interpreter; all else "
     "runs\n"
     "in a thread. Arguments are encoded before submit returns. What cannot cross is told by the future, as\n"
     "NotTransferableError. Raises RuntimeError after shutdown, BrokenThreadPool if an interpreter or an initializer "
     "failed."},
    {"run", py::as_method(executor_run), kMethodFlags,
     "run($self, fn, /, *args, **kwargs)\n--\n\n"
     "Run fn(*args, **kwargs) in an interpreter, tagged or not, and return what the running event loop awaits.\n\n"
     "The call starts at once, awaited or not. What is returned is an asyncio.Future, and also a coroutine for\n"
     "asyncio.create_task and TaskGroup. Cancelling it cancels a queued call and raises TaskInterrupted in one that runs;\n"
     "who awaits goes on at once. What cannot cross is told by the await, as NotTransferableError.\n\n"
     "Raises RuntimeError if no event loop is running, and after shutdown; BrokenThreadPool if an interpreter or an\n"
     "initializer failed; TypeError if fn cannot be called."},
    {"_submit_rows", py::as_method(executor_submit_rows), kMethodFlags, nullptr},
    {"_bind", py::as_method(executor_bind), kMethodFlags, nullptr},
    {"_declare_context", py::as_method(executor_declare_context), kMethodFlags, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef kMembers[] = {
    {"_native_pool", Py_T_OBJECT_EX, static_cast<Py_ssize_t>(offsetof(ExecutorState, pool)), Py_RELATIVE_OFFSET, nullptr},
    {"_native_context", Py_T_OBJECT_EX, static_cast<Py_ssize_t>(offsetof(ExecutorState, context)), Py_RELATIVE_OFFSET,
     nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("The native half of InterpreterThreadPoolExecutor.")},
    {Py_tp_methods, kMethods},
    {Py_tp_members, kMembers},
    {0, nullptr},
};

PyType_Spec kSpec = {
    .name = "aiointerpreters._core.ExecutorBase",
    .basicsize = -static_cast<int>(sizeof(ExecutorState)),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = kSlots,
};

}  // namespace

py::Ref make_executor_type(PyObject* module, PyObject* base) {
  py::Ref type = py::Ref::steal(PyType_FromModuleAndSpec(module, &kSpec, base));
  // The members have done their work with the type's layout; nobody is to change them by name.
  for (const PyMemberDef* member = kMembers; type && member->name != nullptr; ++member) {
    if (PyObject_DelAttrString(type.get(), member->name) < 0) return {};
  }
  return type;
}

}  // namespace aiointerpreters::binding
