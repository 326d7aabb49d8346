// See pool_type.h.
#include "binding/pool_type.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "binding/broadcasting.h"
#include "binding/future_state.h"
#include "binding/lifecycle_functions.h"
#include "binding/module.h"
#include "binding/outcome.h"
#include "binding/tag_type.h"
#include "binding/waiting.h"
#include "binding/words.h"
#include "binding/worker_stacks.h"
#include "binding/worker_thread.h"
#include "codec/codec.h"
#include "pool/worker.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

struct PoolObject {
  PyObject_HEAD
  std::shared_ptr<pool::Pool> pool;
  unsigned forks;  // ModuleState::forks of the process that has its threads
  std::vector<pool::BroadcastPtr> broadcasts;
  std::uint64_t last_broadcast;
};

std::shared_ptr<pool::Pool>& shared_pool_of(PyObject* self) noexcept { return reinterpret_cast<PoolObject*>(self)->pool; }

// Copies the initializer of new interpreters into the options. False with an exception set.
bool read_initializer(ModuleState& state, PyObject* initializer, PyObject* initargs, pool::PoolOptions& options) {
  if (initializer == Py_None) return true;
  if (!is_tag(state, initializer)) {
    PyErr_Format(PyExc_TypeError, "the initializer of interpreters must be tagged with `interpreter`, but %R is not",
                 initializer);
    return false;
  }
  py::Ref args = py::Ref::steal(PySequence_Tuple(initargs));
  if (!args) return false;
  options.initializer = describe_tagged(state, initializer);
  if (!options.initializer) return false;
  if (options.initializer->is_coroutine_function) {
    PyErr_Format(PyExc_TypeError, "the initializer of interpreters must not be a coroutine function, but %R is one",
                 initializer);
    return false;
  }
  return codec::encode_call(state.runtime, PySequence_Fast_ITEMS(args.get()), PyTuple_GET_SIZE(args.get()), nullptr,
                            options.initializer_message);
}

// Copies the names of the modules to preload, a tuple of str. False with an exception set.
bool read_preload(PyObject* names, pool::PoolOptions& options) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i) {
    const char* const name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i));
    if (name == nullptr) return false;
    options.preload.emplace_back(name);
  }
  return true;
}

// Returns new. Requires: home's environment has been refreshed. Errors: null with an exception set; std::bad_alloc.
PyObject* make_pool(ModuleState& state, std::shared_ptr<const pool::PoolOptions> options) {
  auto pool = std::make_shared<pool::Pool>(std::move(options));
  pool->environment().set(state.environment.current());
  std::erase_if(state.pools, [](const auto& known) { return known.second.expired(); });
  state.pools.insert_or_assign(pool.get(), pool);
  if (state.is_resting) {
    pool->begin_rest();
    state.resting.push_back(pool);
  }
  entrust_to_main(state, pool);
  auto* const type = reinterpret_cast<PyTypeObject*>(state.pool_type.get());
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) {
    std::construct_at(&shared_pool_of(self), std::move(pool));
    std::construct_at(&broadcasts_of(self));
    reinterpret_cast<PoolObject*>(self)->forks = state.forks;
  }
  return self;
}

PyObject* pool_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* const kKeywords[] = {"max_workers", "max_interpreters", "initializer", "initargs", "private_extensions",
                                          "preload",     "min_interpreters", "forwards",    nullptr};
  Py_ssize_t max_workers = 0;
  Py_ssize_t max_interpreters = 0;
  PyObject* initializer = nullptr;
  PyObject* initargs = nullptr;
  int private_extensions = 0;
  PyObject* preload = nullptr;
  Py_ssize_t min_interpreters = 0;
  int forwards = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "nnOOpO!ni:Pool", const_cast<char**>(kKeywords), &max_workers,
                                   &max_interpreters, &initializer, &initargs, &private_extensions, &PyTuple_Type, &preload,
                                   &min_interpreters, &forwards)) {
    return nullptr;
  }
  if (max_workers < 1 || max_interpreters < 1 || min_interpreters < 0) {
    PyErr_SetString(PyExc_ValueError, "max_workers and max_interpreters must be greater than 0");
    return nullptr;
  }
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of_type(type);
    pool::PoolOptions options;
    options.max_workers = static_cast<std::size_t>(max_workers);
    options.max_interpreters = static_cast<std::size_t>(max_interpreters);
    options.min_interpreters = static_cast<std::size_t>(min_interpreters);
    options.forks = &state.forks;
    options.enter_interpreter = enter_interpreter;
    options.find_home = find_runtime;
    if (!state.reporter) state.reporter = make_reporter(state);
    options.log_warning = [&state](std::string text) { state.reporter->warn(std::move(text)); };
    if (private_extensions != 0) {
      options.copies = std::make_shared<extensions::CopyStore>(extensions::Environment::of_process(), options.log_warning);
    }
    options.log_failure = log_setup_failure;
    if (forwards != 0) options.relay = relay_of(state);
    options.relays_logging = (forwards & kForwardsLogging) != 0;
    options.relays_output = (forwards & kForwardsOutput) != 0;
    // In a worker's interpreter, the worker has done this already.
    if (!state.runtime.lessor->has_bell()) state.visitor = pool::Visitor::serve(state.runtime);
    if (!read_preload(preload, options) || !state.environment.refresh(state.runtime) ||
        !read_initializer(state, initializer, initargs, options)) {
      return nullptr;
    }
    return make_pool(state, std::make_shared<const pool::PoolOptions>(std::move(options)));
  });
}

void pool_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  std::destroy_at(&broadcasts_of(self));
  std::destroy_at(&shared_pool_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

// Ends queued tasks, because no thread is left to run them. The next submit requests another thread.
void end_without_memory(pool::Pool& pool) {
  pool::TaskList tasks = pool.take_queued();
  while (const pool::TaskPtr task = tasks.pop()) {
    if (!task->start()) continue;
    task->outcome = pool::Task::Outcome::kNoMemory;
    const pool::Task::Change ended = task->finish();
    if (task->needs_home(ended)) task->settle_at_home(ended);
  }
}

// The target of a worker thread.
PyObject* pool_work(PyObject* self, PyObject* name) {
  Py_ssize_t size = 0;
  py::Ref bytes = py::Ref::steal(PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass"));
  char* text = nullptr;
  if (!bytes || PyBytes_AsStringAndSize(bytes.get(), &text, &size) < 0) return nullptr;
  // The pool counts this thread since it was requested. If the thread never serves the pool, it is subtracted when it ends
  // (worker_thread.h).
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    ModuleState& state = state_of_type(Py_TYPE(self));
    std::optional<pool::Worker> worker;
    try {
      worker.emplace(shared_pool_of(self), std::string(text, static_cast<std::size_t>(size)));
    } catch (const std::bad_alloc&) {
      note_serving(state);
      if (!shared_pool_of(self)->thread_failed()) end_without_memory(*shared_pool_of(self));
      throw;
    }
    note_serving(state);
    worker->run();
    Py_RETURN_NONE;
  });
}

PyObject* pool_close(PyObject* self, PyObject*) {
  shared_pool_of(self)->close();
  Py_RETURN_NONE;
}

PyObject* pool_wait_ended(PyObject* self, PyObject*) {
  ModuleState& state = state_of_type(Py_TYPE(self));
  const std::shared_ptr<pool::Pool> pool = shared_pool_of(self);
  const auto settling = state.settling.find(PyThread_get_thread_ident());
  if (settling != state.settling.end() && settling->second == pool.get()) {
    // A callback of a coroutine function's future calls this: its teller would wait for itself. For a worker, `threading`
    // raises the same error.
    PyErr_SetString(PyExc_RuntimeError, "cannot join current thread");
    return nullptr;
  }
  if (!wait_for_end(state, *pool)) return nullptr;
  state.runtime.lessor->take_back();  // memory and objects that were lent to the workers' interpreters
  if (!hear(state)) return nullptr;
  if (state.reporter) state.reporter->write_left();
  Py_RETURN_NONE;
}

PyObject* pool_cancel_queued(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&] {
    pool::TaskList tasks = shared_pool_of(self)->take_queued();
    while (const pool::TaskPtr task = tasks.pop()) task->cancel_at_home();
    return Py_NewRef(Py_None);
  });
}

// Raises queue.Empty. Runs Python.
PyObject* raise_empty() {
  const py::Ref queue = py::Ref::steal(PyImport_ImportModule("_queue"));
  const py::Ref empty = queue ? py::Ref::steal(PyObject_GetAttrString(queue.get(), "Empty")) : py::Ref();
  if (empty) PyErr_SetNone(empty.get());
  return nullptr;
}

PyObject* pool_take_call(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const pool::TaskPtr task = shared_pool_of(self)->take_queued_of_home();
    return task ? take_call(state_of_type(Py_TYPE(self)), static_cast<FutureTask&>(*task)).release() : raise_empty();
  });
}

PyObject* pool_set_limits(PyObject* self, PyObject* args) {
  Py_ssize_t max_workers = 0;
  Py_ssize_t max_interpreters = 0;
  if (!PyArg_ParseTuple(args, "nn:set_limits", &max_workers, &max_interpreters)) return nullptr;
  const auto number = [](Py_ssize_t value) { return static_cast<std::size_t>(std::max<Py_ssize_t>(value, 0)); };
  shared_pool_of(self)->set_limits(number(max_workers), number(max_interpreters));
  Py_RETURN_NONE;
}

PyObject* pool_census(PyObject* self, PyObject*) { return make_census(shared_pool_of(self)->census()).release(); }

PyObject* pool_stacks(PyObject* self, PyObject* milliseconds) {
  const long patience = PyLong_AsLong(milliseconds);
  if (patience == -1 && PyErr_Occurred() != nullptr) return nullptr;
  return py::guarded<PyObject*>(nullptr, [&] {
    const std::shared_ptr<pool::Pool> pool = shared_pool_of(self);
    return describe_workers(*pool, std::chrono::milliseconds(patience)).release();
  });
}

// Called by a worker thread whose initializer has failed, instead of doing work.
PyObject* pool_break_down(PyObject* self, PyObject* args) {
  const char* reason = nullptr;
  PyObject* cause = nullptr;
  if (!PyArg_ParseTuple(args, "sO:break_down", &reason, &cause)) return nullptr;
  return py::guarded<PyObject*>(nullptr, [&] {
    pool::Breakage breakage{reason, {}};
    if (PyExceptionInstance_Check(cause)) {
      PyErr_SetRaisedException(Py_NewRef(cause));
      codec::encode_exception(state_of_type(Py_TYPE(self)).runtime, breakage.cause);
    }
    const auto shared = std::make_shared<const pool::Breakage>(std::move(breakage));
    pool::TaskList tasks = shared_pool_of(self)->break_down(shared, pool::Pool::Scope::kAll);
    while (const pool::TaskPtr task = tasks.pop()) {
      const pool::Task::Change ended = task->end_broken(shared);
      if (task->needs_home(ended)) task->settle_at_home(ended);
    }
    note_serving(state_of_type(Py_TYPE(self)));
    shared_pool_of(self)->thread_failed();
    return Py_NewRef(Py_None);
  });
}

PyObject* pool_queued(PyObject* self, void*) { return PyLong_FromSize_t(shared_pool_of(self)->census().queued); }

PyObject* pool_broken(PyObject* self, void*) {
  const std::shared_ptr<const pool::Breakage> breakage = shared_pool_of(self)->broken(pool::Lane::kHome);
  if (!breakage) Py_RETURN_NONE;
  return PyUnicode_FromStringAndSize(breakage->reason.data(), static_cast<Py_ssize_t>(breakage->reason.size()));
}

PyObject* pool_stop(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&] {
    shared_pool_of(self)->stop();
    return Py_NewRef(Py_None);
  });
}

PyObject* pool_renewed(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    py::Ref renewed = py::Ref::steal(make_pool(state_of_type(Py_TYPE(self)), shared_pool_of(self)->shared_options()));
    if (!renewed) return nullptr;
    broadcasts_of(renewed.get()) = broadcasts_of(self);
    last_broadcast_of(renewed.get()) = last_broadcast_of(self);
    for (const pool::BroadcastPtr& each : broadcasts_of(self)) {
      if (each->verdict.failed()) continue;
      pool::Broadcasts::Node node{{each}};
      pool::TaskList none;
      std::size_t count = 0;
      static_cast<void>(shared_pool_of(renewed.get())->broadcast(node, none, count));  // it has no interpreters yet
    }
    return renewed.release();
  });
}

PyObject* pool_withdraw_broadcast(PyObject* self, PyObject* number) {
  const unsigned long long value = PyLong_AsUnsignedLongLong(number);
  if (PyErr_Occurred() != nullptr) return nullptr;
  withdraw_broadcast(self, *shared_pool_of(self), value);
  Py_RETURN_NONE;
}

PyObject* pool_end_broadcast(PyObject* self, PyObject* number) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const unsigned long long value = PyLong_AsUnsignedLongLong(number);
    if (PyErr_Occurred() != nullptr || !end_broadcast(state_of_type(Py_TYPE(self)), self, value)) return nullptr;
    Py_RETURN_NONE;
  });
}

PyObject* pool_run_addressed(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&] {
    if (is_here(state_of_type(Py_TYPE(self)), self)) run_addressed_here(*shared_pool_of(self));
    return Py_NewRef(Py_None);
  });
}

PyMethodDef kPoolMethods[] = {
    {"work", pool_work, METH_O, "work($self, name, /)\n--\n\nServe the pool on this thread until it is closed."},
    {"close", pool_close, METH_NOARGS, "close($self, /)\n--\n\nRefuse new tasks. Workers end when the queues are empty."},
    {"wait_ended", pool_wait_ended, METH_NOARGS,
     "wait_ended($self, /)\n--\n\nWait until every thread has done its work and has left, including threads not started "
     "yet."},
    {"cancel_queued", pool_cancel_queued, METH_NOARGS,
     "cancel_queued($self, /)\n--\n\nCancel the tasks that have not started."},
    {"set_limits", pool_set_limits, METH_VARARGS,
     "set_limits($self, max_workers, max_interpreters, /)\n--\n\n"
     "Set how many workers and interpreters may exist from now on. Existing ones stay."},
    {"census", pool_census, METH_NOARGS,
     "census($self, /)\n--\n\n"
     "Return four numbers: the threads, the busy ones among them, the interpreters, and the queued calls."},
    {"stacks", pool_stacks, METH_O,
     "stacks($self, milliseconds, /)\n--\n\n"
     "Return the census, and what each worker does at that moment, with its Python stack. Interpreters have that long to\n"
     "answer."},
    {"take_call", pool_take_call, METH_NOARGS,
     "take_call($self, /)\n--\n\n"
     "Take the untagged call that has waited longest out of the queue.\n\n"
     "Returns:\n"
     "    A tuple: its future, the callable, the arguments, the keyword arguments.\n\n"
     "Raises:\n"
     "    queue.Empty: No untagged call is queued."},
    {"stop", pool_stop, METH_NOARGS,
     "stop($self, /)\n--\n\nRaise TaskInterrupted in all code that the interpreters run. The pool must be closed."},
    {"renewed", pool_renewed, METH_NOARGS,
     "renewed($self, /)\n--\n\n"
     "Return a new pool with the same settings. A forked process needs it, because this pool has no threads there."},
    {"withdraw_broadcast", pool_withdraw_broadcast, METH_O,
     "withdraw_broadcast($self, number, /)\n--\n\nNew interpreters do not run this broadcast."},
    {"end_broadcast", pool_end_broadcast, METH_O,
     "end_broadcast($self, number, /)\n--\n\n"
     "Tell that this broadcast has succeeded, or raise its exception if it has failed in a new interpreter before."},
    {"run_addressed", pool_run_addressed, METH_NOARGS,
     "run_addressed($self, /)\n--\n\n"
     "Run the calls of broadcasts that wait for the interpreter of this thread, if this is a worker in an untagged call."},
    {"break_down", pool_break_down, METH_VARARGS,
     "break_down($self, reason, cause, /)\n--\n\n"
     "End all tasks with BrokenThreadPool(reason), refuse new ones, and no longer count the calling thread.\n\n"
     "A thread calls this if it cannot begin to work."},
    {nullptr, nullptr, 0, nullptr},
};

PyObject* pool_is_here(PyObject* self, void*) { return PyBool_FromLong(is_here(state_of_type(Py_TYPE(self)), self)); }

PyGetSetDef kPoolGetSet[] = {
    {"is_here", pool_is_here, nullptr,
     "Whether the threads of the pool are in this process. In a forked child they are not.", nullptr},
    {"queued", pool_queued, nullptr, "How many tasks wait for a worker.", nullptr},
    {"broken", pool_broken, nullptr, "The reason why the pool refuses all tasks, or None if it accepts them.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot kPoolSlots[] = {
    {Py_tp_doc, const_cast<char*>("The engine of one executor.")},
    {Py_tp_new, reinterpret_cast<void*>(pool_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(pool_dealloc)},
    {Py_tp_methods, kPoolMethods},
    {Py_tp_getset, kPoolGetSet},
    {0, nullptr},
};

PyType_Spec kPoolSpec = {
    .name = "aiointerpreters._core.Pool",
    .basicsize = sizeof(PoolObject),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kPoolSlots,
};

}  // namespace

py::Ref make_pool_type(PyObject* module) { return py::Ref::steal(PyType_FromModuleAndSpec(module, &kPoolSpec, nullptr)); }

std::vector<pool::BroadcastPtr>& broadcasts_of(PyObject* pool) noexcept {
  return reinterpret_cast<PoolObject*>(pool)->broadcasts;
}

std::uint64_t& last_broadcast_of(PyObject* pool) noexcept { return reinterpret_cast<PoolObject*>(pool)->last_broadcast; }

bool may_use_pools(ModuleState& state) {
  if (!state.runtime.running_main) return true;
  state.runtime.guard_missing = true;
  // multiprocessing's spawn reports this mistake in a similar way.
  PyErr_SetString(PyExc_RuntimeError,
                  "an executor was used while a worker imported this program's __main__ module to find the functions in it. "
                  "Put the code that starts the work under\n\n    if __name__ == \"__main__\":\n\n"
                  "as for multiprocessing's spawn method.");
  return false;
}

bool is_here(ModuleState& state, PyObject* pool) noexcept {
  note_fork(state);
  return reinterpret_cast<PoolObject*>(pool)->forks == state.forks;
}

bool wait_for_end(ModuleState& state, const pool::Pool& pool) {
  const auto wait = [&](const base::Deadline& deadline) { static_cast<void>(pool.wait_for_end(deadline)); };
  return wait_at_home(state, base::Deadline(), wait, [&] { return pool.ended(); }) == Waited::kDone;
}

std::shared_ptr<pool::Pool> pool_in(const ModuleState& state, PyObject* object) {
  if (PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(state.pool_type.get())) != 0) return shared_pool_of(object);
  PyErr_Format(PyExc_TypeError, "expected a _core.Pool, not %R", object);
  return nullptr;
}

}  // namespace aiointerpreters::binding
