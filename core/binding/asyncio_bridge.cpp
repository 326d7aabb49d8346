// See asyncio_bridge.h.
#include "binding/asyncio_bridge.h"

#include <chrono>
#include <memory>
#include <utility>

#include "base/futex.h"
#include "binding/outcome.h"
#include "binding/run_future_type.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

// A loop has other things to do than to decode results; so much of its time they get before these have a turn.
constexpr std::chrono::milliseconds kTurn{1};
// Looking at the clock for each of them would be a tenth of the work.
constexpr unsigned kBetweenLooks = 8;

struct BridgeObject {
  PyObject_HEAD
  std::unique_ptr<AsyncioBridge> bridge;
};

std::unique_ptr<AsyncioBridge>& inside(PyObject* self) noexcept { return reinterpret_cast<BridgeObject*>(self)->bridge; }

// Ends what nobody awaits any more. Runs Python.
void stop_work(const ModuleState& home, AwaitedTask& task) {
  if (task.forks != home.forks || task.cancel() != pool::Task::Change::kLost) return;
  if (interrupt_running(home, task) >= 0) return;
  PyErr_Clear();
  log_warning("a call whose await was cancelled goes on: there is no thread that could interrupt it");
}

PyObject* bridge_drain(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const py::Ref kept = py::Ref::borrow(self);
    if (!inside(self)->drain()) return nullptr;
    Py_RETURN_NONE;
  });
}

int bridge_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return inside(self) ? inside(self)->traverse(visit, arg) : 0;
}

int bridge_clear(PyObject* self) {
  if (inside(self)) inside(self)->close();
  return 0;
}

void bridge_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  PyObject* const error = PyErr_GetRaisedException();
  std::destroy_at(&inside(self));
  PyErr_SetRaisedException(error);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef kMethods[] = {
    {"drain", bridge_drain, METH_NOARGS, "drain($self, /)\n--\n\nTell the futures whose calls have ended."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("What an event loop holds of the calls that it awaits.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(bridge_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(bridge_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(bridge_clear)},
    {Py_tp_methods, kMethods},
    {0, nullptr},
};

PyType_Spec kSpec = {
    .name = "aiointerpreters._core.AsyncioBridge",
    .basicsize = sizeof(BridgeObject),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kSlots,
};

}  // namespace

// ---- AwaitedTask

void AwaitedTask::settle_at_home(bool) {
  // Not by bridge_, which is null if nobody awaits this one any more: others may have come into the mailbox behind it.
  for (const auto& [loop, bridge] : home().asyncio.bridges) {
    if (bridge->mailbox().get() == mailbox.get()) return bridge->call_loop();
  }
}

void AwaitedTask::cancel_at_home() {
  static_cast<void>(cancel());
  static_cast<void>(notify_cancelled());
  if (needs_home(Change::kQuiet)) settle_at_home(false);
}

void stop_awaited(const ModuleState& home, AwaitedTask& task) {
  AsyncioBridge::forget(task);
  stop_work(home, task);
}

// ---- AsyncioBridge

AsyncioBridge::AsyncioBridge(ModuleState& home, PyObject* self, py::Ref loop)
    : home_(home), self_(self), loop_(std::move(loop)) {
  home_.asyncio.bridges.emplace(loop_.get(), this);
}

AsyncioBridge::~AsyncioBridge() { close(); }

bool AsyncioBridge::open() {
  mailbox_ = pool::MailboxPtr(std::make_unique<pool::Mailbox>(base::Wakeup::open()).release());
  const py::Ref drain = py::Ref::steal(PyObject_GetAttrString(self_, "drain"));
  if (!drain) return false;
  if (mailbox_->fd() != base::Wakeup::kNone) {
    if (py::Ref::steal(PyObject_CallMethod(loop_.get(), "add_reader", "iO", mailbox_->fd(), drain.get()))) return true;
    // Not every loop can look at a descriptor.
    if (PyErr_ExceptionMatches(PyExc_NotImplementedError) == 0 && PyErr_ExceptionMatches(PyExc_AttributeError) == 0 &&
        PyErr_ExceptionMatches(PyExc_OSError) == 0) {
      return false;
    }
    PyErr_Clear();
  }
  mailbox_ = pool::MailboxPtr(std::make_unique<pool::Mailbox>(base::Wakeup()).release());
  return PyObject_SetAttrString(loop_.get(), "_aiointerpreters_bridge", self_) == 0;  // so that it is the loop's own
}

void AsyncioBridge::expect(AwaitedTask& task, PyObject* future) noexcept {
  task.bridge_ = this;
  task.future_ = Py_NewRef(future);
  state_of_run_future(future).task = &task;
  task.next_ = std::exchange(first_, AwaitedTaskPtr(&task).release());
  if (task.next_ != nullptr) task.next_->previous_ = &task;
}

void AsyncioBridge::forget(AwaitedTask& task) {
  if (task.bridge_ == nullptr) return;
  AwaitedTask** const link = task.previous_ == nullptr ? &task.bridge_->first_ : &task.previous_->next_;
  *link = task.next_;
  if (task.next_ != nullptr) task.next_->previous_ = task.previous_;
  task.next_ = task.previous_ = nullptr;
  task.bridge_ = nullptr;
  const py::Ref future = py::Ref::steal(std::exchange(task.future_, nullptr));
  state_of_run_future(future.get()).task = nullptr;
  static_cast<void>(AwaitedTaskPtr::adopt(&task));
}

bool AsyncioBridge::drain() {
  const auto end = base::Clock::now() + kTurn;
  mail_.append(mailbox_->take());
  bool undisturbed = true;
  for (unsigned told = 1; undisturbed; ++told) {
    pool::TaskPtr task = mail_.pop();
    if (!task) break;
    undisturbed = tell(static_cast<AwaitedTask&>(*task));
    if (!undisturbed) mail_.push_front(std::move(task));
    if (told % kBetweenLooks == 0 && base::Clock::now() >= end) break;
  }
  home_.runtime.lessor->take_back();  // what the calls were lent
  if (!mail_.empty()) call_again();
  return undisturbed;
}

bool AsyncioBridge::tell(AwaitedTask& task) {
  if (task.bridge_ == nullptr) return true;  // nobody wants to know
  const AsyncioState::Names& names = home_.asyncio.names;
  const bool is_cancelled = task.state() == pool::Task::State::kCancelled;
  Outcome outcome;
  if (!is_cancelled) {
    outcome = decode_outcome(home_, task);
    if (!outcome.object) return false;
  }
  const py::Ref future = py::Ref::borrow(task.future_);  // decoding may have run Python, which has cancelled it
  forget(task);
  if (!future) return true;
  py::Ref told = py::Ref::steal(PyObject_CallMethodNoArgs(future.get(), names.done.get()));
  if (told.get() == Py_False) {
    PyObject* const method = (outcome.failed ? names.set_exception : names.set_result).get();
    told = py::Ref::steal(is_cancelled ? PyObject_CallMethodNoArgs(future.get(), names.cancel.get())
                                       : PyObject_CallMethodOneArg(future.get(), method, outcome.object.get()));
  }
  return static_cast<bool>(told);
}

void AsyncioBridge::call_again() {
  if (mailbox_->fd() != base::Wakeup::kNone) return mailbox_->remind();
  call_loop();
}

void AsyncioBridge::call_loop() {
  py::Ref error = py::take_exception();
  const py::Ref drain = py::Ref::steal(PyObject_GetAttrString(self_, "drain"));
  const py::Ref called =
      drain ? py::Ref::steal(PyObject_CallMethod(loop_.get(), "call_soon_threadsafe", "O", drain.get())) : py::Ref();
  PyErr_Clear();  // the loop is closed: nobody awaits anything there
  py::restore_exception(std::move(error));
}

void AsyncioBridge::close() {
  while (first_ != nullptr) {
    const AwaitedTaskPtr task(first_);
    forget(*task);
    stop_work(home_, *task);
  }
  if (mailbox_) mailbox_->close();
  if (loop_) home_.asyncio.bridges.erase(loop_.get());
  loop_.reset();
}

int AsyncioBridge::traverse(visitproc visit, void* arg) {
  Py_VISIT(loop_.get());
  for (const AwaitedTask* task = first_; task != nullptr; task = task->next_) Py_VISIT(task->future_);
  return 0;
}

AsyncioBridge* running_bridge(ModuleState& home) {
  py::Ref loop = py::Ref::steal(PyObject_CallNoArgs(home.asyncio.get_running_loop.get()));
  if (!loop) return nullptr;
  if (const auto found = home.asyncio.bridges.find(loop.get()); found != home.asyncio.bridges.end()) return found->second;
  auto* const type = reinterpret_cast<PyTypeObject*>(home.asyncio.bridge_type.get());
  const py::Ref self = py::Ref::steal(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  std::construct_at(&inside(self.get()), std::make_unique<AsyncioBridge>(home, self.get(), std::move(loop)));
  AsyncioBridge* const bridge = inside(self.get()).get();
  return bridge->open() ? bridge : nullptr;
}

py::Ref make_bridge_type(PyObject* module) { return py::Ref::steal(PyType_FromModuleAndSpec(module, &kSpec, nullptr)); }

}  // namespace aiointerpreters::binding
