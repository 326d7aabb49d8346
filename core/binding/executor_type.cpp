// See executor_type.h. `submit` is home's half of docs/design/data_path.md.
#include "binding/executor_type.h"

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "binding/asyncio_bridge.h"
#include "binding/broadcasting.h"
#include "binding/carried_context.h"
#include "binding/elsewhere.h"
#include "binding/future_state.h"
#include "binding/pool_service.h"
#include "binding/pool_type.h"
#include "binding/replaced_submit.h"
#include "binding/run_future_type.h"
#include "binding/run_in_executor.h"
#include "binding/submission.h"
#include "binding/submitting.h"
#include "binding/tag_type.h"
#include "py/error.h"
#include "py/method.h"

namespace aiointerpreters::binding {

namespace {

extern PyMethodDef kExecutorMethods[];

// The module state, found through the native type among the bases. METH_METHOD would pass it, but bound methods of that
// kind have no `__doc__`. PyType_GetModuleByDef is slower.
ModuleState& state_of_executor(PyObject* self) noexcept {
  PyTypeObject* type = Py_TYPE(self);
  while (type->tp_methods != kExecutorMethods) type = type->tp_base;
  return state_of_type(type);
}

// Passes the call to Python code that calls the replaced `submit`. The call then comes back through `_work_queue.put`, or
// never.
PyObject* submit_by_standard(PyObject* self, const char* method, PyObject* const* args, Py_ssize_t nargs,
                             PyObject* kwnames) {
  const py::Ref bound = py::Ref::steal(PyObject_GetAttrString(self, method));
  return bound ? PyObject_Vectorcall(bound.get(), args, static_cast<std::size_t>(nargs), kwnames) : nullptr;
}

template <bool kLooksForReplacement>
PyObject* executor_submit(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (nargs < 1) {
      PyErr_SetString(PyExc_TypeError, "submit() missing 1 required positional argument: 'fn'");
      return nullptr;
    }
    ModuleState& state = state_of_executor(self);
    if (kLooksForReplacement && (state.standard_submit.runs > 0 || is_submit_replaced(state.standard_submit))) {
      return submit_by_standard(self, "_submit_by_standard", args, nargs, kwnames);
    }
    state.runtime.lessor->take_back();
    pool::Pool* const pool = usable_pool(state, self);
    Submission call(args[0], args + 1, nargs - 1, kwnames);
    if (pool == nullptr || !call.open(state)) return nullptr;
    const bool is_flexible = call.tagged() && routing_of(state, self, call).is_flexible();
    if (call.tagged() && is_called_by_running_loop(state)) {
      if (is_flexible) {
        return start_awaited_flexibly(self, state, *pool, call, AwaitedTask::Cancelling::kCancelsQueued);
      }
      return start_awaited(self, state, *pool, executor_of(state, self).context, call,
                           AwaitedTask::Cancelling::kCancelsQueued);
    }
    if (is_flexible) return submit_flexibly(self, state, *pool, call, false);
    py::Ref future =
        call.tagged() ? prepare_for_worker(state, call, executor_of(state, self).context) : prepare_for_home(state, call);
    return enqueue_future(self, state, *pool, std::move(future));
  });
}

// _submit_rows(tagged, rows) and _submit_rows_here: one task that calls the function once for each tuple of arguments. map
// uses it for chunks.
template <bool kLooksForReplacement>
PyObject* executor_submit_rows(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of_executor(self);
    if (nargs != 2 || !is_tag(state, args[0]) || !PyList_CheckExact(args[1])) {
      PyErr_SetString(PyExc_TypeError, "_submit_rows() takes a tagged callable and a list of tuples");
      return nullptr;
    }
    if (kLooksForReplacement && is_submit_replaced(state.standard_submit)) {
      return submit_by_standard(self, "_submit_rows_by_standard", args, nargs, nullptr);
    }
    pool::Pool* const pool = usable_pool(state, self);
    Submission call(args[0], args + 1, 1, nullptr);
    if (pool == nullptr) return nullptr;
    call.take_tag();  // only the tag: a partial inside is called for each row
    if (routing_of(state, self, call).is_flexible()) return submit_flexibly(self, state, *pool, call, true);
    py::Ref future = prepare_for_worker(state, call, executor_of(state, self).context);
    if (!future) return nullptr;
    state_of_future(state, future.get()).task->in_rows = true;
    return enqueue_future(self, state, *pool, std::move(future));
  });
}

// The return value of `run` when no loop runs: a coroutine that calls `run` when it is awaited. Runs Python.
PyObject* run_later(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("aiointerpreters._run_later"));
  const py::Ref function = module ? py::Ref::steal(PyObject_GetAttrString(module.get(), "run")) : py::Ref();
  if (!function) return nullptr;
  std::vector<PyObject*> all{self};
  all.insert(all.end(), args, args + nargs + (kwnames == nullptr ? 0 : PyTuple_GET_SIZE(kwnames)));
  return PyObject_Vectorcall(function.get(), all.data(), static_cast<std::size_t>(1 + nargs), kwnames);
}

// Passes a call of `run` to the replaced `submit`.
PyObject* run_by_submit(PyObject* self, ModuleState& state, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  ++state.standard_submit.runs;
  PyObject* const awaited = submit_by_standard(self, "_run_by_submit", args, nargs, kwnames);
  --state.standard_submit.runs;
  return awaited;
}

// _make_awaited(): a pending object without a call, of the same type as `run`'s return value.
PyObject* executor_make_awaited(PyObject* self, PyObject* const*, Py_ssize_t, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of_executor(self);
    if (!prepare_asyncio(PyType_GetModuleByDef(Py_TYPE(self), &module_definition), state)) return nullptr;
    const py::Ref bridge = running_bridge(state);
    if (!bridge) return nullptr;
    return make_run_future(state.asyncio.run_coroutine_type, bridge_in(bridge).loop_keyword()).release();
  });
}

template <bool kLooksForReplacement>
PyObject* executor_run(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (nargs < 1) {
      PyErr_SetString(PyExc_TypeError, "run() missing 1 required positional argument: 'fn'");
      return nullptr;
    }
    if (PyCallable_Check(args[0]) == 0) {
      return PyErr_Format(PyExc_TypeError, "run() needs a callable, not %R", args[0]);
    }
    ModuleState& state = state_of_executor(self);
    if (!prepare_asyncio(PyType_GetModuleByDef(Py_TYPE(self), &module_definition), state)) return nullptr;
    if (!running_loop(state)) return PyErr_Occurred() == nullptr ? run_later(self, args, nargs, kwnames) : nullptr;
    if (kLooksForReplacement && (is_submit_replaced(state.standard_submit) ||
                                 has_own_submit(state.standard_submit, self, py::as_method(executor_submit<true>)))) {
      return run_by_submit(self, state, args, nargs, kwnames);
    }
    state.runtime.lessor->take_back();
    pool::Pool* const pool = usable_pool(state, self);
    Submission call(args[0], args + 1, nargs - 1, kwnames);
    if (pool == nullptr || !call.open(state, true)) return nullptr;
    if (routing_of(state, self, call).is_flexible()) {
      return start_awaited_flexibly(self, state, *pool, call, AwaitedTask::Cancelling::kStops);
    }
    return start_awaited(self, state, *pool, executor_of(state, self).context, call, AwaitedTask::Cancelling::kStops);
  });
}

// _warm_up(tagged, interpreters): returns the future of a call that runs when so many interpreters are ready.
PyObject* executor_warm_up(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of_executor(self);
    const Py_ssize_t interpreters = nargs == 2 && is_tag(state, args[0]) ? PyLong_AsSsize_t(args[1]) : 0;
    if (interpreters < 1) {
      if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_TypeError, "_warm_up() takes a tagged callable and a number");
      return nullptr;
    }
    pool::Pool* const pool = usable_pool(state, self);
    Submission call(args[0], args + 1, 0, nullptr);
    if (pool == nullptr || !call.open(state)) return nullptr;
    py::Ref future = prepare_for_worker(state, call, nullptr);
    if (!future) return nullptr;
    FutureTask& task = *state_of_future(state, future.get()).task;
    if (task.done()) return future.release();
    if (!publish_environment(state, *pool)) return nullptr;
    task.queued = true;
    if (pool->warm_up(pool::TaskPtr(&task), static_cast<std::size_t>(interpreters)) == pool::Pool::Submitted::kRefused) {
      task.settle_at_home(pool::Task::Change::kQuiet);
      raise_refusal(state, *pool, task.lane);
      return nullptr;
    }
    if (start_missing_threads(state, self, executor_of(state, self).pool, *pool)) return future.release();
    static_cast<void>(task.cancel());
    return nullptr;
  });
}

// _broadcast(fn, *args, **kwargs): see `broadcast` in broadcasting.h.
PyObject* executor_broadcast(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of_executor(self);
    if (nargs < 1) {
      PyErr_SetString(PyExc_TypeError, "broadcast() missing 1 required positional argument: 'fn'");
      return nullptr;
    }
    pool::Pool* const pool = usable_pool(state, self);
    Submission call(args[0], args + 1, nargs - 1, kwnames);
    if (pool == nullptr || !call.open(state, true) || !publish_environment(state, *pool)) return nullptr;
    return broadcast(state, executor_of(state, self).pool, *pool, call).release();
  });
}

// _start_missing_threads(): starts the threads that queued calls, or interpreters that are wanted, need.
PyObject* executor_start_missing_threads(PyObject* self, PyObject* const*, Py_ssize_t, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of_executor(self);
    PyObject* const object = executor_of(state, self).pool;
    if (object == nullptr || !is_here(state, object)) Py_RETURN_NONE;
    if (!start_missing_threads(state, self, object, *pool_in(state, object))) return nullptr;
    Py_RETURN_NONE;
  });
}

PyObject* executor_bind(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  ModuleState& state = state_of_executor(self);
  if (nargs != 1) {
    PyErr_SetString(PyExc_TypeError, "_bind() takes one argument, the pool");
    return nullptr;
  }
  if (!pool_in(state, args[0])) return nullptr;
  Py_XSETREF(executor_of(state, self).pool, Py_NewRef(args[0]));
  Py_RETURN_NONE;
}

// _set_elsewhere(fallback, elsewhere): for functions whose tag chooses no fallback; and where moved calls go, or None.
PyObject* executor_set_elsewhere(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  ExecutorState& executor = executor_of(state_of_executor(self), self);
  if (nargs != 2) {
    PyErr_SetString(PyExc_TypeError, "_set_elsewhere() takes two arguments");
    return nullptr;
  }
  if (!read_fallback(args[0], executor.fallback)) return nullptr;
  Py_XSETREF(executor.elsewhere, args[1] == Py_None ? nullptr : Py_NewRef(args[1]));
  Py_RETURN_NONE;
}

PyObject* executor_declare_context(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  const ModuleState& state = state_of_executor(self);
  if (nargs != 1) {
    PyErr_SetString(PyExc_TypeError, "_declare_context() takes one argument, the variables");
    return nullptr;
  }
  py::Ref declared = declare_context(args[0]);
  if (!declared && PyErr_Occurred() != nullptr) return nullptr;
  Py_XSETREF(executor_of(state, self).context, declared.release());
  Py_RETURN_NONE;
}

constexpr int kMethodFlags = METH_FASTCALL | METH_KEYWORDS;

PyMethodDef kExecutorMethods[] = {
    {"submit", py::as_method(executor_submit<true>), kMethodFlags,
     "submit($self, fn, /, *args, **kwargs)\n--\n\n"
     "Schedule `fn(*args, **kwargs)` and return its future.\n\n"
     "A tagged function runs in an interpreter. So does a functools.partial of one, and the function that\n"
     "asyncio.to_thread makes of one. Any other function runs in a thread. Arguments of tagged functions are copied\n"
     "before `submit` returns. Exceptions of the function are raised by the future.\n\n"
     "Args:\n"
     "    fn: A callable, tagged or not.\n"
     "    args: Positional arguments.\n"
     "    kwargs: Keyword arguments.\n\n"
     "Returns:\n"
     "    A Future. It raises NotTransferableError if the function, an argument or the result cannot cross.\n\n"
     "Raises:\n"
     "    RuntimeError: The executor has been shut down.\n"
     "    concurrent.futures.thread.BrokenThreadPool: An interpreter or an initializer has failed."},
    {"run", py::as_method(executor_run<true>), kMethodFlags,
     "run($self, fn, /, *args, **kwargs)\n--\n\n"
     "Run `fn(*args, **kwargs)` in an interpreter, tagged or not, and return an awaitable for its result.\n\n"
     "The call starts immediately, even if nothing awaits it yet. If the await is cancelled, a queued call is cancelled,\n"
     "and TaskInterrupted is raised in a running one. The awaiting task resumes immediately. Exceptions of the function\n"
     "are raised by the await.\n\n"
     "If no event loop is running, as in `asyncio.run(executor.run(fn))`, the result is a plain coroutine. Then the call\n"
     "starts when the coroutine is awaited, and the await raises RuntimeError and BrokenThreadPool.\n\n"
     "Args:\n"
     "    fn: A function or a coroutine function, tagged or not.\n"
     "    args: Positional arguments.\n"
     "    kwargs: Keyword arguments.\n\n"
     "Returns:\n"
     "    A RunFuture, which is an asyncio.Future and also a coroutine, for asyncio.create_task and asyncio.TaskGroup.\n"
     "    It raises NotTransferableError if the function, an argument or the result cannot cross.\n\n"
     "Raises:\n"
     "    TypeError: `fn` cannot be called.\n"
     "    RuntimeError: The executor has been shut down.\n"
     "    concurrent.futures.thread.BrokenThreadPool: An interpreter or an initializer has failed."},
    {"_submit_rows", py::as_method(executor_submit_rows<true>), kMethodFlags, nullptr},
    // The same as `submit`, without checking whether `submit` has been replaced.
    {"_submit_here", py::as_method(executor_submit<false>), kMethodFlags, nullptr},
    {"_run_here", py::as_method(executor_run<false>), kMethodFlags, nullptr},
    {"_submit_rows_here", py::as_method(executor_submit_rows<false>), kMethodFlags, nullptr},
    {"_make_awaited", py::as_method(executor_make_awaited), kMethodFlags, nullptr},
    {"_broadcast", py::as_method(executor_broadcast), kMethodFlags, nullptr},
    {"_warm_up", py::as_method(executor_warm_up), kMethodFlags, nullptr},
    {"_start_missing_threads", py::as_method(executor_start_missing_threads), kMethodFlags, nullptr},
    {"_bind", py::as_method(executor_bind), kMethodFlags, nullptr},
    {"_set_elsewhere", py::as_method(executor_set_elsewhere), kMethodFlags, nullptr},
    {"_declare_context", py::as_method(executor_declare_context), kMethodFlags, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef kExecutorMembers[] = {
    {"_native_pool", Py_T_OBJECT_EX, static_cast<Py_ssize_t>(offsetof(ExecutorState, pool)), Py_RELATIVE_OFFSET, nullptr},
    {"_native_context", Py_T_OBJECT_EX, static_cast<Py_ssize_t>(offsetof(ExecutorState, context)), Py_RELATIVE_OFFSET,
     nullptr},
    {"_native_elsewhere", Py_T_OBJECT_EX, static_cast<Py_ssize_t>(offsetof(ExecutorState, elsewhere)), Py_RELATIVE_OFFSET,
     nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot kExecutorSlots[] = {
    {Py_tp_doc, const_cast<char*>("The native half of InterpreterThreadPoolExecutor.")},
    {Py_tp_methods, kExecutorMethods},
    {Py_tp_members, kExecutorMembers},
    {0, nullptr},
};

PyType_Spec kExecutorSpec = {
    .name = "aiointerpreters._core.ExecutorBase",
    .basicsize = -static_cast<int>(sizeof(ExecutorState)),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = kExecutorSlots,
};

}  // namespace

py::Ref make_executor_type(PyObject* module, PyObject* base) {
  py::Ref type = py::Ref::steal(PyType_FromModuleAndSpec(module, &kExecutorSpec, base));
  // The members have set the type's layout. Their names are removed, so that no code can change them.
  for (const PyMemberDef* member = kExecutorMembers; type && member->name != nullptr; ++member) {
    if (PyObject_DelAttrString(type.get(), member->name) < 0) return {};
  }
  return type;
}

py::Ref make_executor_outline(PyObject* module) {
  // A class without __slots__, like ThreadPoolExecutor. CPython can replace one base by the other if their layouts match.
  const py::Ref empty = py::Ref::steal(PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(){ss}",
                                                             "ThreadPoolExecutor", "__module__", "aiointerpreters._core"));
  return empty ? make_executor_type(module, empty.get()) : py::Ref();
}

bool put_on_base(const py::Ref& type, PyObject* base) {
  const py::Ref bases = py::Ref::steal(PyTuple_Pack(1, base));
  return bases && PyObject_SetAttrString(type.get(), "__bases__", bases.get()) == 0;
}

}  // namespace aiointerpreters::binding
