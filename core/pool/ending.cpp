// See ending.h.
#include "pool/ending.h"

#include <chrono>
#include <functional>
#include <string>

#include "py/compat.h"
#include "py/interpreter.h"
#include "py/ref.h"

namespace aiointerpreters::pool {

namespace {

// Makes `threading` forget this thread while that is still possible. Does nothing if `threading` or the dummy object is
// missing.
PyObject* drop_dummy_thread(PyObject*, PyObject*) {
  py::Ref name = py::Ref::steal(PyUnicode_FromString("threading"));
  py::Ref threading = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();
  py::Ref local = threading ? py::Ref::steal(PyObject_GetAttrString(threading.get(), "_thread_local_info")) : py::Ref();
  if (local) PyObject_DelAttrString(local.get(), "_track_dummy_thread_ref");
  PyErr_Clear();
  Py_RETURN_NONE;
}

// Ends the pools that tasks have created here. Null with an exception set.
py::Ref finish_pools(bool stopping) {
  const py::Ref name = py::Ref::steal(PyUnicode_FromString("aiointerpreters._lifecycle"));
  const py::Ref module = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();
  if (!module) return PyErr_Occurred() == nullptr ? py::Ref::borrow(Py_None) : py::Ref();  // it was never imported
  return py::Ref::steal(PyObject_CallMethod(module.get(), "finish_at_exit", "O", stopping ? Py_True : Py_False));
}

// How long, in seconds, threads that tasks have left behind may run before a warning is logged.
constexpr double kThreadPatience = 5.0;
constexpr double kForEver = -1.0;

// Joins the threads of this interpreter, like Py_EndInterpreter, but can be stopped. `running` gets the names of the
// threads that still run after `timeout` seconds. `module` is _left_threads. False: it was stopped, and so were those
// threads, if possible.
bool join_threads(const py::Ref& module, double timeout, std::string& running) {
  const py::Ref names = py::Ref::steal(PyObject_CallMethod(module.get(), "join", "d", timeout));
  const char* const text = names ? PyUnicode_AsUTF8(names.get()) : nullptr;
  if (text != nullptr) running = text;
  PyErr_Clear();
  return text != nullptr;
}

// Calls the functions registered with atexit, like Py_EndInterpreter, but earlier: they can still be stopped, and threads
// that they start can be joined. Before 3.15, CPython ends the interpreter while such threads run.
void run_exit_functions() {
  const py::Ref name = py::Ref::steal(PyUnicode_FromString("atexit"));
  const py::Ref atexit = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();
  const py::Ref run = atexit ? py::Ref::steal(PyObject_CallMethod(atexit.get(), "_run_exitfuncs", nullptr)) : py::Ref();
  if (py::kDummyThreadsComplain) static_cast<void>(silence_dummy_thread());  // its atexit function has been called too
  PyErr_Clear();
}

class HomeRefuge final : public codec::Refuge {
 public:
  HomeRefuge(py::ThreadSides& sides, const PoolOptions& options) noexcept : sides_(sides), options_(options) {}
  void visit(const std::function<void(codec::Lessor&)>& use) override {
    sides_.attach_home();
    if (codec::Runtime* const home = options_.find_home()) use(*home->lessor);
    PyErr_Clear();
    sides_.attach_own();
  }

 private:
  py::ThreadSides& sides_;
  const PoolOptions& options_;
};

void join_left_threads(const PoolOptions& options, const py::Ref& module) {
  std::string running;
  if (!module || !join_threads(module, kThreadPatience, running) || running.empty()) return;
  options.log_warning("a worker's interpreter waits for threads that tasks have started and not joined: " + running);
  static_cast<void>(join_threads(module, kForEver, running));
}

}  // namespace

bool silence_dummy_thread() {
  static PyMethodDef definition = {"drop_dummy_thread", drop_dummy_thread, METH_NOARGS, nullptr};
  py::Ref atexit = py::Ref::steal(PyImport_ImportModule("atexit"));
  py::Ref function = py::Ref::steal(PyCFunction_New(&definition, nullptr));
  return atexit && function && py::Ref::steal(PyObject_CallMethod(atexit.get(), "register", "O", function.get()));
}

void finish_leftovers(codec::Runtime& runtime, const PoolOptions& options, const py::Ref& module) {
  // Pools first: their workers are threads too, and may use this interpreter's memory.
  if (!finish_pools(runtime.interruptible.stopping())) PyErr_WriteUnraisable(nullptr);
  join_left_threads(options, module);
  run_exit_functions();
  join_left_threads(options, module);
}

void part_from(py::ForeignThreads& threads, const PoolOptions& options, const std::atomic<bool>& stopped) {
  // How often to check for a stop.
  constexpr std::chrono::milliseconds kLook{50};
  const auto begin = base::Clock::now();
  const auto has_patience = [&] {
    const std::chrono::duration<double> all(stopped.load(std::memory_order_acquire) ? kThreadPatience / 5 : kThreadPatience);
    return base::Clock::now() - begin < all;
  };
  do {
    if (threads.close(base::Clock::now() + kLook)) return;
  } while (has_patience());
  options.log_warning(
      "a worker's interpreter is about to end, but a thread of an extension module is still in it (it has not called "
      "PyGILState_Release): Python code that this thread runs is stopped");
}

void settle_loans(codec::Runtime& runtime, py::ThreadSides& sides, const PoolOptions& options) {
  HomeRefuge refuge(sides, options);
  runtime.lessor->close(refuge);
}

void stop_tracing(py::ThreadSides& sides, const PoolOptions& options) {
  if (!py::tracing_spoils_ends()) return;
  sides.attach_home();
  if (!py::stop_tracing()) return;
  options.log_warning(
      "tracemalloc has been stopped: before 3.15, CPython crashes if an interpreter ends while tracemalloc traces"
      " (python/cpython#155725)");
}

}  // namespace aiointerpreters::pool
