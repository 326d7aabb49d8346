// See worker_thread.h.
#include "binding/worker_thread.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/futex.h"
#include "base/thread.h"
#include "binding/pool_type.h"
#include "pool/pool.h"
#include "py/attach.h"
#include "py/error.h"
#include "py/thread_starter.h"

namespace aiointerpreters::binding {

namespace {

// A value that one thread sets once and another thread waits for.
class Step {
 public:
  enum Value : std::uint32_t { kOpen, kDone, kFailed };

  void set(Value value) noexcept {
    word_.store(value, std::memory_order_release);  // pairs with the acquire in `wait`
    base::wake_all(&word_);
  }
  // Requires: attached. Blocks, detached. Signals are handled later.
  Value wait() {
    if (word_.load(std::memory_order_acquire) == kOpen) {
      py::detached([this] {
        while (word_.load(std::memory_order_acquire) == kOpen)
          static_cast<void>(base::wait_on(word_, kOpen, base::Deadline()));
        return 0;
      });
    }
    return static_cast<Value>(word_.load(std::memory_order_acquire));
  }

 private:
  std::atomic<std::uint32_t> word_{kOpen};
};

// The data that the two threads share. Owner: the capsule in the function that the new thread runs.
struct Start {
  py::Ref executor;  // dropped when the thread is registered, because the thread must not keep the executor alive
  py::Ref pool;
  py::Ref context;  // of the code that requested the thread; some builds of CPython start threads with a copy
  py::Ref handle;
  py::Ref error;     // the reason if it could not be registered
  Step handed_over;  // set when `handle` is valid
  Step registered;
};

void destroy_start(PyObject* capsule) {
  std::unique_ptr<Start>(static_cast<Start*>(PyCapsule_GetPointer(capsule, nullptr))).reset();
}

// Calls a callable without arguments. Exceptions are reported. If the callable is null, the exception that is set is
// reported.
void call(const py::Ref& callable) {
  if (!callable || !py::Ref::steal(PyObject_CallNoArgs(callable.get()))) PyErr_WriteUnraisable(callable.get());
}

// Gives the calling thread its entry in ModuleState::serving. Without memory it has none.
class ServingName {
 public:
  ServingName(ModuleState& state, PyObject* thread) noexcept : state_(state) {
    static_cast<void>(py::guarded(false, [&] {
      const py::Ref name = py::Ref::steal(PyObject_GetAttrString(thread, "name"));
      const py::Ref text =
          name ? py::Ref::steal(PyUnicode_AsEncodedString(name.get(), "utf-8", "surrogatepass")) : py::Ref();
      if (text) state_.serving.insert_or_assign(PyThread_get_thread_ident(), PyBytes_AS_STRING(text.get()));
      return true;
    }));
    PyErr_Clear();
  }
  ServingName(const ServingName&) = delete;
  ServingName& operator=(const ServingName&) = delete;
  ~ServingName() { state_.serving.erase(PyThread_get_thread_ident()); }

 private:
  ModuleState& state_;
};

bool is_serving(const ModuleState& state) { return !state.starting.contains(PyThread_get_thread_ident()); }

// Makes a registered thread serve the pool, through `_bootstrap` of `threading` if possible. If the thread fails before it
// serves, it is subtracted from the count. If it was the only thread, the queued tasks end as cancelled, because no thread
// will run them.
void serve(ModuleState& state, PyObject* thread, PyObject* service, pool::Pool& pool) {
  const ServingName name(state, thread);
  call(py::Ref::steal(PyObject_GetAttrString(thread, "_bootstrap")));
  if (is_serving(state)) return;
  const py::Ref has_run = py::Ref::steal(PyObject_GetAttrString(service, "has_run"));
  PyErr_Clear();
  if (has_run.get() == Py_False) call(py::Ref::borrow(service));
  if (is_serving(state)) return;
  note_serving(state);
  if (pool.thread_failed()) return;
  pool::TaskList tasks = pool.take_queued();
  while (const pool::TaskPtr task = tasks.pop()) task->cancel_at_home();
}

// The entry function of the new thread.
PyObject* run_thread(PyObject* capsule, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Start& start = *static_cast<Start*>(PyCapsule_GetPointer(capsule, nullptr));
    start.handed_over.wait();
    ModuleState& state = state_of_type(Py_TYPE(start.pool.get()));
    const std::shared_ptr<pool::Pool> pool = pool_in(state, start.pool.get());
    py::Ref registered;  // the thread object, and the function that serves the pool
    try {
      state.starting.insert(PyThread_get_thread_ident());
      registered = py::Ref::steal(
          PyObject_CallMethod(start.executor.get(), "_start_thread", "OO", start.handle.get(), start.context.get()));
    } catch (const std::bad_alloc&) {
      PyErr_NoMemory();
    }
    start.executor.reset();  // the waiting thread still has a reference
    start.context.reset();
    PyObject* thread = nullptr;
    PyObject* service = nullptr;
    if (!registered || PyArg_UnpackTuple(registered.get(), "_start_thread", 2, 2, &thread, &service) == 0) {
      note_serving(state);
      start.error = py::take_exception();
      start.registered.set(Step::kFailed);
      Py_RETURN_NONE;
    }
    start.registered.set(Step::kDone);
    serve(state, thread, service, *pool);
    Py_RETURN_NONE;
  });
}

PyMethodDef kRunThread = {"run_worker", run_thread, METH_NOARGS, nullptr};

// Gives new threads a stack that is large enough for Python (hazard 6), unless the default is large enough. Runs no Python,
// so no other code sees the changed size.
class StackSize {
 public:
  StackSize() noexcept : before_(PyThread_get_stacksize()) {
    const bool is_big = before_ == 0 ? base::default_stack() >= base::kMinStack : before_ >= base::kMinStack;
    if (!is_big) static_cast<void>(PyThread_set_stacksize(base::kMinStack));
  }
  StackSize(const StackSize&) = delete;
  StackSize& operator=(const StackSize&) = delete;
  ~StackSize() { static_cast<void>(PyThread_set_stacksize(before_)); }

 private:
  const std::size_t before_;
};

// Returns the function that the new thread runs. `start` becomes its data. Null with an exception set.
py::Ref make_entry(PyObject* executor, PyObject* pool, Start*& start) {
  auto made = std::make_unique<Start>();
  made->executor = py::Ref::borrow(executor);
  made->pool = py::Ref::borrow(pool);
  made->context = py::Ref::steal(PyContext_CopyCurrent());
  const py::Ref capsule = made->context ? py::Ref::steal(PyCapsule_New(made.get(), nullptr, destroy_start)) : py::Ref();
  if (!capsule) return {};
  start = made.release();
  return py::Ref::steal(PyCFunction_New(&kRunThread, capsule.get()));
}

}  // namespace

bool start_worker_thread(ModuleState& state, PyObject* executor, PyObject* pool) {
  return py::guarded(false, [&] {
    Start* start = nullptr;
    const py::Ref entry = make_entry(executor, pool, start);
    if (!entry) return false;
    {
      const StackSize stack_size;
      start->handle = py::start_thread(state.thread_starter, entry, nullptr);
    }
    if (!start->handle) return false;
    start->handed_over.set(Step::kDone);
    if (start->registered.wait() == Step::kDone) return true;
    py::restore_exception(std::move(start->error));
    return false;
  });
}

void note_serving(ModuleState& state) noexcept { state.starting.erase(PyThread_get_thread_ident()); }

}  // namespace aiointerpreters::binding
