// See asyncio_bridge.h.
#include "binding/asyncio_bridge.h"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "base/futex.h"
#include "binding/outcome.h"
#include "py/context_copy.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

// How long it pays to spin for the end of a call that is about to be awaited.
constexpr base::SpinPolicy::Duration kSpinBudget = std::chrono::microseconds(20);
// The clock is read only after this many tasks. Reading it for each task would take a tenth of the time.
constexpr unsigned kBetweenLooks = 8;

struct BridgeObject {
  PyObject_HEAD
  std::unique_ptr<AsyncioBridge> bridge;
};

std::unique_ptr<AsyncioBridge>& bridge_of(PyObject* self) noexcept { return reinterpret_cast<BridgeObject*>(self)->bridge; }

PyObject* bridge_drain(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const py::Ref kept = py::Ref::borrow(self);
    if (!bridge_of(self)->drain()) return nullptr;
    Py_RETURN_NONE;
  });
}

PyObject* bridge_look(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const py::Ref kept = py::Ref::borrow(self);
    if (!bridge_of(self)->look()) return nullptr;
    Py_RETURN_NONE;
  });
}

// Replaces the `close` of a loop without readers, and owns the bridge.
PyObject* bridge_close_loop(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const py::Ref kept = py::Ref::borrow(self);
    const py::Ref loop = py::Ref::borrow(bridge_of(self)->loop());
    if (!loop) Py_RETURN_NONE;
    auto* const type = reinterpret_cast<PyObject*>(Py_TYPE(loop.get()));
    if (!py::Ref::steal(PyObject_CallMethod(type, "close", "O", loop.get()))) return nullptr;  // the loop is still running
    bridge_of(self)->close();
    if (PyObject_DelAttrString(loop.get(), "close") < 0) PyErr_Clear();
    Py_RETURN_NONE;
  });
}

int bridge_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return bridge_of(self) ? bridge_of(self)->traverse(visit, arg) : 0;
}

int bridge_clear(PyObject* self) {
  if (bridge_of(self)) bridge_of(self)->close();
  return 0;
}

void bridge_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  PyObject* const error = PyErr_GetRaisedException();
  std::destroy_at(&bridge_of(self));
  PyErr_SetRaisedException(error);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef kBridgeMethods[] = {
    {"drain", bridge_drain, METH_NOARGS, "drain($self, /)\n--\n\nComplete the futures whose calls have ended."},
    {"look", bridge_look, METH_NOARGS,
     "look($self, /)\n--\n\nDo the same for new calls, and arrange that the ends of the other calls are mailed."},
    {"close_loop", bridge_close_loop, METH_NOARGS,
     "close_loop($self, /)\n--\n\nClose the loop and stop the calls that it awaits."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot kBridgeSlots[] = {
    {Py_tp_doc, const_cast<char*>("The calls that one event loop awaits.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(bridge_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(bridge_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(bridge_clear)},
    {Py_tp_methods, kBridgeMethods},
    {0, nullptr},
};

PyType_Spec kBridgeSpec = {
    .name = "aiointerpreters._core.AsyncioBridge",
    .basicsize = sizeof(BridgeObject),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kBridgeSlots,
};

}  // namespace

AsyncioBridge::AsyncioBridge(ModuleState& home, PyObject* self, py::Ref loop)
    : spins(base::usable_cpus() > 1 ? kSpinBudget : base::SpinPolicy::Duration(0)),
      home_(home),
      forks_(home.forks),
      self_(self),
      loop_(std::move(loop)) {
  home_.asyncio.bridges.emplace(loop_.get(), this);
}

AsyncioBridge::~AsyncioBridge() { close(); }

bool AsyncioBridge::open() {
  mailbox_ = pool::MailboxPtr(std::make_unique<pool::Mailbox>(base::Wakeup::open()).release());
  nothing_ = py::Ref::steal(PyContext_New());
  loop_keyword_ = py::Ref::steal(PyDict_New());
  if (!nothing_ || !loop_keyword_ || PyDict_SetItem(loop_keyword_.get(), home_.asyncio.names.loop.get(), loop_.get()) < 0) {
    return false;
  }
  if (mailbox_->fd() != base::Wakeup::kNone) {
    const py::Ref drain = py::Ref::steal(PyObject_GetAttrString(self_, "drain"));
    if (!drain) return false;
    const py::Ref added = add_reader(drain.get());
    // Not every loop can watch a descriptor.
    if (!added && PyErr_ExceptionMatches(PyExc_NotImplementedError) == 0 &&
        PyErr_ExceptionMatches(PyExc_AttributeError) == 0 && PyErr_ExceptionMatches(PyExc_OSError) == 0) {
      return false;
    }
    PyErr_Clear();
    if (added && Py_REFCNT(drain.get()) > 1) return true;  // some loops return success and do nothing
  }
  mailbox_ = pool::MailboxPtr(std::make_unique<pool::Mailbox>(base::Wakeup()).release());
  // The loop owns the bridge in this way too, and the bridge is destroyed with it.
  const py::Ref close_loop = py::Ref::steal(PyObject_GetAttrString(self_, "close_loop"));
  return close_loop && PyObject_SetAttrString(loop_.get(), "close", close_loop.get()) == 0;
}

// Adds the reader in an empty context, because a loop runs its readers in the context in which they were added.
py::Ref AsyncioBridge::add_reader(PyObject* callback) {
  if (PyContext_Enter(nothing_.get()) < 0) return {};
  py::Ref added = py::Ref::steal(PyObject_CallMethod(loop_.get(), "add_reader", "iO", mailbox_->fd(), callback));
  py::Ref error = py::take_exception();
  const bool left = PyContext_Exit(nothing_.get()) == 0;
  if (error) py::restore_exception(std::move(error));
  return left ? std::move(added) : py::Ref();
}

// Passes a method of the bridge to `call_soon` or `call_soon_threadsafe`. Errors: false with the exception set.
bool AsyncioBridge::call_from(PyObject* method, const char* callback) {
  const py::Ref bound = py::Ref::steal(PyObject_GetAttrString(self_, callback));
  if (!bound) return false;
  PyObject* const args[] = {loop_.get(), bound.get(), nothing_.get()};
  return static_cast<bool>(
      py::Ref::steal(PyObject_VectorcallMethod(method, args, 2, home_.asyncio.names.context_keyword.get())));
}

void AsyncioBridge::expect(HomeTask& task) noexcept {
  task.context_ = PyContext_CopyCurrent();
  if (task.context_ == nullptr) PyErr_Clear();  // without memory, it is delivered in the empty context
  task.bridge_ = this;
  task.next_ = std::exchange(first_, HomeTaskPtr(&task).release());
  if (task.next_ != nullptr) task.next_->previous_ = &task;
}

bool AsyncioBridge::expect_soon(HomeTask& task) {
  expect(task);
  task.is_fresh_ = true;
  ++fresh_;
  ++calls_in_turn_;
  if (will_look_) return true;
  will_look_ = call_from(home_.asyncio.names.call_soon.get(), "look");
  if (will_look_) return true;
  py::Ref error = py::take_exception();
  forget(task);
  py::restore_exception(std::move(error));
  return false;
}

void AsyncioBridge::forget(HomeTask& task) noexcept {
  if (task.bridge_ == nullptr) return;
  if (std::exchange(task.is_fresh_, false)) --task.bridge_->fresh_;
  HomeTask** const link = task.previous_ == nullptr ? &task.bridge_->first_ : &task.previous_->next_;
  *link = task.next_;
  if (task.next_ != nullptr) task.next_->previous_ = task.previous_;
  task.next_ = task.previous_ = nullptr;
  task.bridge_ = nullptr;
  const HomeTaskPtr kept = HomeTaskPtr::adopt(&task);
  const py::Ref context = py::Ref::steal(std::exchange(task.context_, nullptr));  // its destruction may run Python
}

bool AsyncioBridge::deliver(HomeTask& task) {
  const HomeTaskPtr kept(&task);
  // A copy is used, because other code may be running in that context, and changes made by decoding must not be visible
  // there.
  const py::ContextCopy scope(decodes_by_python(task) ? task.context_ : nullptr);
  return task.arrive();
}

bool AsyncioBridge::look() {
  will_look_ = false;
  calls_in_turn_ = 0;
  if (forks_ != home_.forks) return true;
  pool::TaskList ended;
  for (HomeTask* task = first_; fresh_ > 0; task = task->next_) {  // the newest first
    if (!std::exchange(task->is_fresh_, false)) continue;
    --fresh_;
    if (!task->request_mail(mailbox_).open()) ended.push_front(pool::TaskPtr(task));
  }
  mail_.append(std::move(ended));
  return mail_.empty() || tell();
}

bool AsyncioBridge::drain() {
  if (forks_ != home_.forks) return true;  // the descriptor and the outstanding tasks belong to the parent
  mail_.append(mailbox_->take());
  return tell();
}

bool AsyncioBridge::tell() {
  const auto end = base::Clock::now() + pool::kMailBudget;
  bool undisturbed = true;
  for (unsigned arrived = 1; undisturbed; ++arrived) {
    pool::TaskPtr next = mail_.pop();
    if (!next) break;
    auto& task = static_cast<HomeTask&>(*next);
    if (task.bridge_ != this) continue;  // nobody waits for it, or another loop does
    undisturbed = deliver(task);
    if (!undisturbed) mail_.push_front(std::move(next));
    if (arrived % kBetweenLooks == 0 && base::Clock::now() >= end) break;
  }
  home_.runtime.lessor->take_back();  // memory and objects that were lent for the calls
  if (!mail_.empty()) wake();
  return undisturbed;
}

void AsyncioBridge::wake() {
  if (forks_ != home_.forks) return;
  if (mailbox_->fd() != base::Wakeup::kNone) return mailbox_->remind();
  call_loop();
}

void AsyncioBridge::call_loop() {
  py::Ref error = py::take_exception();
  const bool called = call_from(home_.asyncio.names.call_soon_threadsafe.get(), "drain");
  if (!called && PyErr_ExceptionMatches(PyExc_RuntimeError) == 0) PyErr_WriteUnraisable(loop_.get());
  PyErr_Clear();  // RuntimeError: the loop is closed and awaits nothing any more
  py::restore_exception(std::move(error));
}

void AsyncioBridge::close() {
  while (first_ != nullptr) {
    const HomeTaskPtr task(first_);
    forget(*task);
    task->lose_loop();
  }
  if (mailbox_) mailbox_->close();
  if (loop_) home_.asyncio.bridges.erase(loop_.get());
  loop_.reset();
  loop_keyword_.reset();
  nothing_.reset();
}

int AsyncioBridge::traverse(visitproc visit, void* arg) {
  Py_VISIT(loop_.get());
  Py_VISIT(loop_keyword_.get());
  for (const HomeTask* task = first_; task != nullptr; task = task->next_) {
    Py_VISIT(task->future_);
    Py_VISIT(task->waker_);
    Py_VISIT(task->context_);
  }
  return 0;
}

py::Ref running_loop(const ModuleState& home) {
  py::Ref loop = py::Ref::steal(PyObject_CallNoArgs(home.asyncio.get_running_loop.get()));
  return loop.get() == Py_None ? py::Ref() : std::move(loop);
}

py::Ref running_bridge(ModuleState& home) {
  py::Ref loop = running_loop(home);
  if (!loop) {
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_RuntimeError, "no running event loop");
    return loop;
  }
  if (const auto found = home.asyncio.bridges.find(loop.get()); found != home.asyncio.bridges.end()) {
    AsyncioBridge& known = *found->second;
    if (known.forks_ == home.forks) return py::Ref::borrow(known.self_);
    known.close();  // it belongs to the parent process
  }
  auto* const type = reinterpret_cast<PyTypeObject*>(home.asyncio.bridge_type.get());
  py::Ref self = py::Ref::steal(type->tp_alloc(type, 0));
  if (!self) return self;
  std::construct_at(&bridge_of(self.get()), std::make_unique<AsyncioBridge>(home, self.get(), std::move(loop)));
  return bridge_of(self.get())->open() ? std::move(self) : py::Ref();
}

AsyncioBridge& bridge_in(const py::Ref& object) noexcept { return *bridge_of(object.get()); }

void AsyncioBridge::wake_all(codec::Runtime& runtime) {
  std::vector<py::Ref> woken;
  for (const auto& [loop, bridge] : state_of(runtime.module.get()).asyncio.bridges) {
    woken.push_back(py::Ref::borrow(bridge->self_));
  }
  for (const py::Ref& self : woken) bridge_of(self.get())->wake();
}

py::Ref bridge_of_callback(ModuleState& home, PyObject* callback) {
  if (!PyFunction_Check(callback)) return {};
  PyObject* const module = PyFunction_GetModule(callback);    // borrowed, like the objects below
  PyObject* const closure = PyFunction_GetClosure(callback);  // a tuple of cells
  const bool is_asyncios = module != nullptr && closure != nullptr && PyUnicode_Check(module) &&
                           PyUnicode_EqualToUTF8(module, "asyncio.futures") != 0;
  PyObject* const core = PyType_GetModule(reinterpret_cast<PyTypeObject*>(home.future_type.get()));
  if (!is_asyncios || !prepare_asyncio(core, home)) return PyErr_Clear(), py::Ref();
  const py::Ref loop = running_loop(home);
  bool is_for_loop = false;
  for (Py_ssize_t i = 0; loop && i < PyTuple_GET_SIZE(closure); ++i) {
    const py::Ref cell = py::Ref::steal(PyCell_Get(PyTuple_GET_ITEM(closure, i)));
    is_for_loop |= cell.get() == loop.get();
  }
  py::Ref bridge = is_for_loop ? running_bridge(home) : py::Ref();
  PyErr_Clear();
  return bridge;
}

py::Ref make_bridge_type(PyObject* module) {
  return py::Ref::steal(PyType_FromModuleAndSpec(module, &kBridgeSpec, nullptr));
}

}  // namespace aiointerpreters::binding
