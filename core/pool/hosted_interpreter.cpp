// See hosted_interpreter.h.
#include "pool/hosted_interpreter.h"

#include <algorithm>
#include <new>
#include <utility>

#include "codec/array_memory.h"
#include "codec/attachment.h"
#include "codec/codec.h"
#include "extensions/import_hook.h"
#include "extensions/refused_imports.h"
#include "pool/ending.h"
#include "pool/import_watch.h"
#include "pool/left_threads.h"
#include "pool/variables.h"
#include "py/abandoned.h"
#include "py/attach.h"
#include "py/call_stack.h"
#include "py/error.h"
#include "py/thread_name.h"

namespace aiointerpreters::pool {

namespace {

// What the interpreter's thread does when it runs no task, for threads that may stop it. Only the addresses count.
constexpr char kStarting = 0;
constexpr char kDropping = 0;
constexpr char kEnding = 0;

// Runs one step of ending an interpreter. If there is no memory for it, the next step follows nevertheless.
template <typename Step>
void end_quietly(Step&& step) {
  try {
    step();
  } catch (const std::bad_alloc&) {
    PyErr_Clear();
  }
}

// Encodes the exception that is set, so that it can be decoded later.
void encode_cause(codec::Runtime& runtime, codec::Message& cause) {
  codec::encode_exception(runtime, cause);
  if (codec::has_own_memory(cause)) codec::settle_own_memory(runtime, cause);
}

// Whether dropping the object takes no noticeable time and runs no user code. Looks one level deep into containers.
bool is_inert(PyObject* object, bool looks_inside = true) {
  if (object == nullptr || object == Py_None || PyBool_Check(object) || PyLong_CheckExact(object) ||
      PyFloat_CheckExact(object) || PyComplex_CheckExact(object) || PyUnicode_CheckExact(object) ||
      PyBytes_CheckExact(object)) {
    return true;
  }
  constexpr Py_ssize_t kFew = 64;
  if (!looks_inside || (!PyTuple_CheckExact(object) && !PyList_CheckExact(object))) return false;
  const Py_ssize_t size = PySequence_Fast_GET_SIZE(object);
  PyObject* const* const items = PySequence_Fast_ITEMS(object);
  return size <= kFew && std::all_of(items, items + size, [](PyObject* item) { return is_inert(item, false); });
}

}  // namespace

HostedInterpreter::Created HostedInterpreter::create(py::ThreadSides& sides, const std::string& thread_name,
                                                     Breakage& breakage) {
  if (std::string failure = interpreter_.create(sides); !failure.empty()) {
    breakage.reason = "a worker's interpreter could not be created: " + failure;
    return Created::kNoInterpreter;
  }
  runtime_ = pool_.options().enter_interpreter();
  if (runtime_ == nullptr) {
    breakage.reason = "a worker's interpreter could not be set up: " + py::take_error_text();
    return Created::kNoInterpreter;
  }
  runtime_->worker_name = thread_name;
  visitor_ = Visitor::serve(*runtime_);
  visitor_->set_described(this);
  py::Interruptible& interruptible = runtime_->interruptible;
  interruptible.begin(&kStarting);
  if (pool_.attend(seat_, visitor_, PyInterpreterState_GetID(PyInterpreterState_Get()))) stop_work(*runtime_);
  Created created = Created::kReady;
  if (!set_up(thread_name)) {
    breakage.reason = "a worker's interpreter could not be set up";
    created = Created::kNoInterpreter;
  } else {
    created = prepare_by_user(breakage);
  }
  if (created == Created::kReady) caller_.keep_context();
  return conclude(created, breakage);
}

HostedInterpreter::Created HostedInterpreter::conclude(Created created, Breakage& breakage) {
  py::Interruptible& interruptible = runtime_->interruptible;
  if (created != Created::kReady && interruptible.stopping()) {
    breakage.reason = "a worker's interpreter was stopped before it was ready";
    created = Created::kStopped;
  }
  if (created != Created::kReady) encode_cause(*runtime_, breakage.cause);
  interruptible.end();
  return created;
}

bool HostedInterpreter::set_up(const std::string& thread_name) {
  runtime_->relay = pool_.options().relay;
  return prepare_imports() && frame_.make() && (!py::kDummyThreadsComplain || silence_dummy_thread()) &&
         py::name_thread(thread_name) && follow_environment() && prepare_words();
}

void HostedInterpreter::execute(Task& task) {
  runtime_->lessor->take_back();
  // The lender must have its memory back when it learns of the end, so lent arguments are dropped first.
  const bool on_loan = task.message.attachments != nullptr || (task.context && task.context->attachments != nullptr);
  has_leftovers_ = true;
  runtime_->interruptible.begin(&task);
  result_ = py::guarded(py::Ref(), [&] { return call_unless_interrupted(task); });
  caller_.leave_context();
  if (!result_) note_refusal(task);
  encode_outcome(*runtime_, runtime_->interruptible, task, result_);
  const bool is_shared = has_shared_outcome(task);
  if (on_loan || is_shared) drop_leftovers();
  if (is_shared) settle_outcome(*runtime_, task);
}

py::Ref HostedInterpreter::call_unless_interrupted(Task& task) {
  // A thread that requests an interrupt first marks the task and then visits. If it visited before `begin`, this check sees
  // the mark.
  if (!task.interrupted() && !runtime_->interruptible.stopping()) {
    return prepare(task) ? caller_.call(*runtime_, task) : py::Ref();
  }
  PyErr_SetNone(runtime_->task_interrupted.get());
  return {};
}

bool HostedInterpreter::leftovers_are_inert() const {
  return is_inert(result_.get()) && caller_.arguments_are([](PyObject* each) { return is_inert(each); });
}

template <typename Drop>
void HostedInterpreter::drop_interruptibly(Drop&& drop) {
  if (runtime_ == nullptr) return drop();
  runtime_->interruptible.begin(&kDropping);
  if (runtime_->interruptible.stopping()) stop_work(*runtime_);
  drop();
  runtime_->interruptible.end();
}

void HostedInterpreter::drop_leftovers() {
  has_leftovers_ = false;
  drop_interruptibly([this] {
    caller_.drop_arguments();
    result_.reset();
  });
}

bool HostedInterpreter::open_loop(const LoopPortPtr& port, TellerPtr teller, const std::string& thread_name,
                                  Breakage& breakage) {
  py::Interruptible& interruptible = runtime_->interruptible;
  interruptible.begin(&kStarting);
  if (loop_) loop_->finish();  // a task has broken the old loop
  loop_ = std::make_unique<HostedLoop>(*this, pool_, *runtime_, port, std::move(teller));
  port->set_visitor(visitor_);
  visitor_->set_loop(port);
  const bool is_open = loop_->start(thread_name);
  if (!is_open) {
    visitor_->set_loop(nullptr);
    loop_.reset();
    breakage.reason = "the event loop of a worker's interpreter could not be created";
    encode_cause(*runtime_, breakage.cause);
  }
  interruptible.end();
  return is_open;
}

void HostedInterpreter::end(py::ThreadSides& sides) {
  if (!sides.has_own()) return;
  // If there is no visitor, no code has run in the interpreter yet.
  const std::atomic<bool> nobody_stops{false};
  const std::atomic<bool>& stops = visitor_ ? visitor_->stopped_all() : nobody_stops;
  bool are_left = false;
  sides.attach_own();
  drop_leftovers();
  drop_interruptibly([this] {
    caller_.clear();
    frame_.clear();
    if (runtime_ != nullptr) runtime_->lessor->take_back();  // objects that come back later are handled by `settle_loans`
  });
  if (runtime_ != nullptr) {
    // Imported before anything may be stopped: a stopped import would warn about the file that it has open.
    const py::Ref left_threads = py::Ref::steal(PyImport_ImportModule("aiointerpreters._left_threads"));
    PyErr_Clear();  // if a task has broken imports, only Py_EndInterpreter joins its threads
    runtime_->interruptible.begin(&kEnding);
    end_quietly([&] { finish_loop(); });
    end_quietly([&] { finish_leftovers(*runtime_, pool_.options(), left_threads); });
    if (foreign_threads_) part_from(*foreign_threads_, pool_.options(), stops);
    runtime_->interruptible.end();
    if (visitor_) stop_visitor();
    end_quietly([&] { are_left = !stop_left_threads(pool_.options(), stops); });
    end_quietly([&] { settle_loans(*runtime_, sides, pool_.options()); });
    const py::Ref module = std::move(runtime_->module);  // may be the last reference; the runtime is then destroyed too
    runtime_ = nullptr;
  }
  sides.attach_own();
  // Dropping objects may have started further threads.
  if (!are_left) end_quietly([&] { static_cast<void>(stop_left_threads(pool_.options(), stops)); });
  end_quietly([&] { stop_tracing(sides, pool_.options()); });
  interpreter_.end(sides, stops, foreign_threads_);
  py::end_deserted(stops);
}

std::vector<Activity> HostedInterpreter::describe() {
  std::vector<Activity> activities;
  const py::Interruptible& own = runtime_->interruptible;
  if (const void* const what = own.what(); what != nullptr) {
    Activity& activity = activities.emplace_back();
    const bool is_upkeep = what == &kStarting || what == &kDropping || what == &kEnding;
    if (is_upkeep) {
      activity.kind = Activity::Kind::kUpkeep;
      activity.name = what == &kStarting ? "starts" : what == &kEnding ? "ends" : "drops objects of a call";
    } else {
      const Task& task = *static_cast<const Task*>(what);  // it has not ended: this thread runs it
      activity.name = name_of_call(task);
      activity.since = task.began.load(std::memory_order_relaxed);
    }
    activity.stack = py::call_stack(own.state());
  }
  if (loop_) loop_->describe(activities);
  for (py::ThreadStack& thread : py::other_call_stacks(own.thread(), runtime_->loop_interruptible.thread())) {
    Activity& activity = activities.emplace_back();
    activity.kind = Activity::Kind::kThread;
    activity.name = thread.name.empty() ? std::to_string(thread.thread) : std::move(thread.name);
    activity.stack = std::move(thread.stack);
  }
  return activities;
}

void HostedInterpreter::stop_visitor() {
  py::detached([this] {
    visitor_->stop();
    return 0;
  });
}

void HostedInterpreter::finish_loop() {
  if (loop_) loop_->finish();
  if (visitor_) visitor_->set_loop(nullptr);
  loop_.reset();
}

bool HostedInterpreter::prepare_imports() {
  const std::shared_ptr<extensions::CopyStore>& copies = pool_.options().copies;
  if (!copies) {
    runtime_->refused_imports = std::make_shared<extensions::RefusedImports>();
    return extensions::note_refused_imports(runtime_->refused_imports);
  }
  foreign_threads_ = std::make_shared<py::ForeignThreads>();
  foreign_threads_->set_bell(visitor_);
  visitor_->set_foreign_threads(foreign_threads_);
  // Held here as well, because modules may be created after the runtime is gone.
  const auto memory = runtime_->array_memory = std::make_shared<codec::ArrayMemory>();
  return extensions::import_private_copies(
      copies, foreign_threads_, [memory](const char* name, PyObject* module) { memory->see_module(name, module); });
}

HostedInterpreter::Created HostedInterpreter::prepare_by_user(Breakage& breakage) {
  for (const std::string& name : pool_.options().preload) {
    if (preload(name)) continue;
    breakage.reason = "an interpreter could not preload the module '" + name + "', so no call can run in interpreters";
    return Created::kPreloadFailed;
  }
  const PoolOptions& options = pool_.options();
  if (!options.initializer || run_once(options.initializer, options.initializer_message)) return Created::kReady;
  breakage.reason = "an interpreter's initializer failed, the thread pool is not usable anymore";
  return Created::kInitializerFailed;
}

bool HostedInterpreter::preload(const std::string& name) {
  if (name == "__main__") return main_script_.run_once(*runtime_, environment_);
  return static_cast<bool>(py::Ref::steal(PyImport_ImportModule(name.c_str())));
}

HostedInterpreter::Created HostedInterpreter::run_broadcast(const Broadcast& broadcast, Breakage& breakage) {
  runtime_->interruptible.begin(&kStarting);
  Created created = Created::kReady;
  if (!follow_environment() || !run_once(broadcast.callable, broadcast.arguments)) {
    const std::string& name = broadcast.callable->qualname;
    breakage.reason = "a new interpreter could not run " + (name.empty() ? "a broadcast" : "the broadcast of " + name);
    created = Created::kBroadcastFailed;
  }
  return conclude(created, breakage);
}

bool HostedInterpreter::run_once(const codec::CallablePtr& callable, const codec::Message& arguments) {
  if ((callable->needs_main || arguments.needs_main) && !main_script_.run_once(*runtime_, environment_)) return false;
  const py::Ref function = caller_.find(*runtime_, callable->id, callable);
  codec::CallArguments decoded;
  return function && codec::decode_call(*runtime_, arguments, decoded) && static_cast<bool>(decoded.call(function.get()));
}

bool HostedInterpreter::prepare(const Task& task) {
  if (pool_.environment().version() != (environment_ ? environment_->version : 0) && !follow_environment()) return false;
  return !task.message.needs_main || main_script_.run_once(*runtime_, environment_);
}

bool HostedInterpreter::prepare_words() {
  const PoolOptions& options = pool_.options();
  return (!options.relays_logging || watch_imports()) && (!options.relays_output || forward_output());
}

bool HostedInterpreter::follow_settings() {
  if (!runtime_->relay) return true;
  py::Ref settings = codec::decode_value(*runtime_, environment_->settings);
  if (!settings || !PyDict_CheckExact(settings.get())) return static_cast<bool>(settings);
  runtime_->home_settings = py::Ref::borrow(settings.get());
  const py::Ref follow = py::Ref::borrow(runtime_->follow_settings.get());
  return !follow || static_cast<bool>(py::Ref::steal(PyObject_CallOneArg(follow.get(), settings.get())));
}

bool HostedInterpreter::follow_environment() {
  for (;;) {
    const EnvironmentPtr before = environment_;
    EnvironmentPtr newer = pool_.environment().get();
    if (!newer || newer == before) return true;
    const py::Ref path = codec::decode_value(*runtime_, newer->sys_path);
    const py::Ref mine = py::Ref::borrow(PySys_GetObject("path"));
    const bool has_list = mine && PyList_Check(mine.get());
    const py::Ref entries = py::Ref::steal(has_list ? PyList_AsTuple(mine.get()) : PyTuple_New(0));
    if (!path || !entries) return false;
    // Home's entries first, in home's order, then those that code in this interpreter has added.
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(entries.get()); ++i) {
      PyObject* const entry = PyTuple_GET_ITEM(entries.get(), i);
      const int known = PySequence_Contains(path.get(), entry);
      if (known < 0 || (known == 0 && PyList_Append(path.get(), entry) < 0)) return false;
    }
    // Comparing entries may have run Python, and the interpreter's other thread may have applied a newer environment
    // meanwhile.
    if (environment_ != before) continue;
    if (!follow_variables(*runtime_, before, *newer)) return false;
    const int set = has_list ? PyList_SetSlice(mine.get(), 0, PyTuple_GET_SIZE(entries.get()), path.get())
                             : PySys_SetObject("path", path.get());
    if (set < 0) return false;
    environment_ = std::move(newer);
    return follow_settings();
  }
}

}  // namespace aiointerpreters::pool
