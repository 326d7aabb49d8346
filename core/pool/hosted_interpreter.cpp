// See hosted_interpreter.h.
#include "pool/hosted_interpreter.h"

#include <utility>

#include "base/futex.h"
#include "codec/codec.h"
#include "py/attach.h"
#include "py/error.h"
#include "py/thread_name.h"

namespace aiointerpreters::pool {

namespace {

// Lets `threading` forget this thread while it still can; without the module, or without a stand-in, there is nothing to do.
PyObject* drop_dummy_thread(PyObject*, PyObject*) {
  py::Ref name = py::Ref::steal(PyUnicode_FromString("threading"));
  py::Ref threading = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();
  py::Ref local = threading ? py::Ref::steal(PyObject_GetAttrString(threading.get(), "_thread_local_info")) : py::Ref();
  if (local) PyObject_DelAttrString(local.get(), "_track_dummy_thread_ref");
  PyErr_Clear();
  Py_RETURN_NONE;
}

// Has that called last of all atexit functions, any of which may make a stand-in again.
bool silence_dummy_thread() {
  static PyMethodDef definition = {"drop_dummy_thread", drop_dummy_thread, METH_NOARGS, nullptr};
  py::Ref atexit = py::Ref::steal(PyImport_ImportModule("atexit"));
  py::Ref function = py::Ref::steal(PyCFunction_New(&definition, nullptr));
  return atexit && function && py::Ref::steal(PyObject_CallMethod(atexit.get(), "register", "O", function.get()));
}

// What the interpreter's thread does where it runs no task, for those who may stop it: only the addresses count.
constexpr char kStarting = 0;
constexpr char kDropping = 0;
constexpr char kEnding = 0;

// Ends the pools that tasks have made here, if any. Null with an exception set.
py::Ref finish_pools(bool stopping) {
  const py::Ref name = py::Ref::steal(PyUnicode_FromString("aiointerpreters._lifecycle"));
  const py::Ref module = name ? py::Ref::steal(PyImport_GetModule(name.get())) : py::Ref();
  if (!module) return PyErr_Occurred() == nullptr ? py::Ref::borrow(Py_None) : py::Ref();  // nobody has imported it
  return py::Ref::steal(PyObject_CallMethod(module.get(), "finish_at_exit", "O", stopping ? Py_True : Py_False));
}

// How long threads that tasks have left behind may go on before somebody is told, in seconds.
constexpr double kThreadPatience = 5.0;
constexpr double kForEver = -1.0;

// Joins the threads of this interpreter, as Py_EndInterpreter will do, but so that it can be stopped. `running` gets the names
// of those that still run after `timeout` seconds; `module` is _left_threads. False: it was stopped, which has ended those
// threads too, if anything can.
bool join_threads(const py::Ref& module, double timeout, std::string& running) {
  const py::Ref names = py::Ref::steal(PyObject_CallMethod(module.get(), "join", "d", timeout));
  const char* const text = names ? PyUnicode_AsUTF8(names.get()) : nullptr;
  if (text != nullptr) running = text;
  PyErr_Clear();
  return text != nullptr;
}

// Calls what has been registered with atexit, as Py_EndInterpreter would, but while all of it can be stopped, and threads
// that it starts can be joined: before 3.15 CPython ends the interpreter under those.
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

}  // namespace

HostedInterpreter::Created HostedInterpreter::create(py::ThreadSides& sides, const std::string& thread_name,
                                                     Breakage& breakage) {
  if (std::string failure = interpreter_.create(sides); !failure.empty()) {
    breakage.reason = "a worker's interpreter could not be made: " + failure;
    return Created::kNoInterpreter;
  }
  runtime_ = pool_.options().enter_interpreter();
  if (runtime_ == nullptr) {
    breakage.reason = "a worker's interpreter could not be set up: " + py::take_error_text();
    return Created::kNoInterpreter;
  }
  attendant_ = Attendant::serve(*runtime_);
  py::Interruptible& interruptible = runtime_->interruptible;
  interruptible.begin(&kStarting);
  if (pool_.attend(seat_, attendant_)) stop_work(*runtime_);
  Created created = Created::kReady;
  if ((py::kDummyThreadsComplain && !silence_dummy_thread()) || !py::name_thread(thread_name) || !follow_environment()) {
    breakage.reason = "a worker's interpreter could not be set up";
    created = Created::kNoInterpreter;
  } else if (!run_initializer()) {
    breakage.reason = "an interpreter's initializer failed, the thread pool is not usable anymore";
    created = Created::kInitializerFailed;
  }
  if (created == Created::kReady) caller_.keep_context();
  if (created != Created::kReady && interruptible.stopping()) {
    breakage.reason = "a worker's interpreter was stopped before it was ready";
    created = Created::kStopped;
  }
  if (created != Created::kReady) codec::encode_exception(*runtime_, breakage.cause);
  interruptible.end();
  return created;
}

void HostedInterpreter::execute(Task& task) {
  runtime_->lessor->take_back();
  // Whoever has lent something shall have it back when he learns of the end.
  const bool on_loan = task.message.attachments != nullptr || (task.context && task.context->attachments != nullptr);
  has_leftovers_ = true;
  runtime_->interruptible.begin(&task);
  result_ = py::guarded(py::Ref(), [&] { return call_unless_interrupted(task); });
  caller_.leave_context();
  encode_outcome(*runtime_, runtime_->interruptible, task, result_);
  if (on_loan) drop_leftovers();
}

py::Ref HostedInterpreter::call_unless_interrupted(Task& task) {
  // Who asks for it first says so in the task, then comes here; whoever came before `begin` is seen by this look.
  if (!task.interrupted() && !runtime_->interruptible.stopping()) {
    return prepare(task) ? caller_.call(*runtime_, task) : py::Ref();
  }
  PyErr_SetNone(runtime_->task_interrupted.get());
  return {};
}

void HostedInterpreter::drop_leftovers() {
  has_leftovers_ = false;
  // What is dropped may run Python for ever (`__del__`).
  py::Interruptible* const interruptible = runtime_ == nullptr ? nullptr : &runtime_->interruptible;
  if (interruptible != nullptr) {
    interruptible->begin(&kDropping);
    if (interruptible->stopping()) stop_work(*runtime_);
  }
  caller_.drop_arguments();
  result_.reset();
  if (interruptible != nullptr) interruptible->end();
}

bool HostedInterpreter::open_loop(const LoopPortPtr& port, const std::string& thread_name, Breakage& breakage) {
  if (loop_) loop_->finish();  // it was broken by what ran in it
  loop_ = std::make_unique<HostedLoop>(*this, pool_, *runtime_, port);
  port->set_watcher(attendant_);
  attendant_->set_loop(port);
  if (loop_->start(thread_name)) return true;
  attendant_->set_loop(nullptr);
  loop_.reset();
  breakage.reason = "the event loop of a worker's interpreter could not be made";
  codec::encode_exception(*runtime_, breakage.cause);
  return false;
}

void HostedInterpreter::end(py::ThreadSides& sides) {
  if (!sides.has_own()) return;
  sides.attach_own();
  drop_leftovers();
  caller_.clear();
  if (runtime_ != nullptr) {
    finish_leftovers(sides);
    HomeRefuge refuge(sides, pool_.options());
    runtime_->lessor->close(refuge);
    if (attendant_) attendant_->stop();
    const py::Ref module = std::move(runtime_->module);  // may be the last one, and the runtime goes with it
    runtime_ = nullptr;
  }
  if (py::tracing_spoils_ends()) stop_tracing(sides);
  interpreter_.end(sides);
}

void HostedInterpreter::stop_tracing(py::ThreadSides& sides) {
  sides.attach_home();
  const py::Ref tracer = py::Ref::steal(PyImport_ImportModule("_tracemalloc"));
  const py::Ref traces = tracer ? py::Ref::steal(PyObject_CallMethod(tracer.get(), "is_tracing", nullptr)) : py::Ref();
  if (traces.get() == Py_True && py::Ref::steal(PyObject_CallMethod(tracer.get(), "stop", nullptr))) {
    pool_.options().log_warning(
        "tracemalloc has been stopped: before 3.15, CPython does not survive the end of an interpreter while it traces"
        " (python/cpython#155725)");
  }
  PyErr_Clear();
}

void HostedInterpreter::finish_leftovers(py::ThreadSides& sides) {
  // Before anything may be stopped: an import that is stopped complains of the file that it has open.
  const py::Ref left_threads = py::Ref::steal(PyImport_ImportModule("aiointerpreters._left_threads"));
  PyErr_Clear();  // a task has broken imports here: then only Py_EndInterpreter joins its threads
  py::Interruptible& interruptible = runtime_->interruptible;
  interruptible.begin(&kEnding);
  if (loop_) loop_->finish();
  if (attendant_) attendant_->set_loop(nullptr);
  loop_.reset();
  // Pools first: their workers are threads too, and may look at this interpreter's memory.
  if (!finish_pools(interruptible.stopping())) PyErr_WriteUnraisable(nullptr);
  join_left_threads(sides, left_threads);
  run_exit_functions();
  join_left_threads(sides, left_threads);
  interruptible.end();
}

void HostedInterpreter::join_left_threads(py::ThreadSides& sides, const py::Ref& module) {
  std::string running;
  if (!module || !join_threads(module, kThreadPatience, running) || running.empty()) return;
  sides.attach_home();
  pool_.options().log_warning("a worker's interpreter ends when the threads have ended that tasks have started in it: " +
                              running);
  sides.attach_own();
  static_cast<void>(join_threads(module, kForEver, running));
}

bool HostedInterpreter::run_initializer() {
  const PoolOptions& options = pool_.options();
  if (!options.initializer) return true;
  if ((options.initializer->needs_main || options.initializer_message.needs_main) && !run_main()) return false;
  const py::Ref callable = caller_.find(*runtime_, options.initializer->id, options.initializer);
  codec::CallArguments arguments;
  return callable && codec::decode_call(*runtime_, options.initializer_message, arguments) &&
         static_cast<bool>(arguments.call(callable.get()));
}

bool HostedInterpreter::prepare(const Task& task) {
  if (pool_.environment_version() != (environment_ ? environment_->version : 0) && !follow_environment()) return false;
  return !task.message.needs_main || run_main();
}

bool HostedInterpreter::follow_environment() {
  EnvironmentPtr newer = pool_.environment();
  if (!newer) return true;
  py::Ref path = codec::decode_value(*runtime_, newer->sys_path);
  PyObject* mine = PySys_GetObject("path");  // borrowed
  if (!path) return false;
  if (mine == nullptr || !PyList_Check(mine)) {
    if (PySys_SetObject("path", path.get()) < 0) return false;
  } else {
    // Home's entries first, in home's order, then what this interpreter has added itself.
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(mine); ++i) {
      const py::Ref entry = py::Ref::borrow(PyList_GET_ITEM(mine, i));
      const int known = PySequence_Contains(path.get(), entry.get());
      if (known < 0 || (known == 0 && PyList_Append(path.get(), entry.get()) < 0)) return false;
    }
    if (PyList_SetSlice(mine, 0, PyList_GET_SIZE(mine), path.get()) < 0) return false;
  }
  environment_ = std::move(newer);
  return true;
}

void HostedInterpreter::end_main(MainScript how) noexcept {
  main_.store(how, std::memory_order_release);
  base::wake_all(&main_);
}

bool HostedInterpreter::run_main() {
  std::uint32_t main = main_.load(std::memory_order_acquire);
  for (; main == kRunning; main = main_.load(std::memory_order_acquire)) {
    py::detached([&] { return base::wait_on(main_, kRunning, base::Deadline()); });
  }
  if (main == kDone) return true;
  if (main == kFailed) return raise_main_failure();  // it had its side effects: it is not run again
  main_.store(kRunning, std::memory_order_relaxed);
  runtime_->running_main = true;
  const bool done = py::guarded(false, [this] { return run_script(); });
  runtime_->running_main = false;
  if (done) {
    end_main(kDone);
    return true;
  }
  // It was stopped, or could not even begin: the next task tries again.
  if (PyErr_ExceptionMatches(runtime_->task_interrupted.get()) != 0 || PyErr_ExceptionMatches(PyExc_MemoryError) != 0) {
    end_main(kNotRun);
    return false;
  }
  if (!runtime_->guard_missing)
    py::raise_from_current(runtime_->interpreter_error.get(), "home's __main__ could not be run in a worker's interpreter");
  const bool is_kept = py::guarded(false, [this] {
    codec::encode_exception(*runtime_, main_failure_);
    return true;
  });
  end_main(is_kept ? kFailed : kNotRun);
  return is_kept && raise_main_failure();
}

bool HostedInterpreter::raise_main_failure() {
  py::restore_exception(codec::decode_exception(*runtime_, main_failure_));
  return false;
}

bool HostedInterpreter::run_script() {
  if (!environment_ || environment_->main == Environment::Main::kNone) {
    PyErr_SetString(PyExc_ImportError, "home's __main__ is no script that can be run again");
    return false;
  }
  py::Ref script = py::Ref::steal(PyImport_ImportModule("aiointerpreters._script"));
  py::Ref name = codec::decode_value(*runtime_, environment_->main_name);
  if (!script || !name) return false;
  const char* run = environment_->main == Environment::Main::kModule ? "run_module" : "run_path";
  return static_cast<bool>(py::Ref::steal(PyObject_CallMethod(script.get(), run, "O", name.get())));
}

}  // namespace aiointerpreters::pool
