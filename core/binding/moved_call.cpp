// See moved_call.h.
#include "binding/moved_call.h"

#include <memory>
#include <utility>

#include "binding/spare.h"
#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

struct MovedCall {
  PyObject_HEAD
  HomeTaskPtr task;   // null: the call has ended
  PyObject* spare;    // the tuple: Elsewhere, and the call; null: the call has ended
  PyObject* error;    // why no interpreter could run it, or None; null: the call has ended
  PyObject* stopper;  // a callable that stops the code that runs it; null: none
};

MovedCall* as_moved(PyObject* self) noexcept { return reinterpret_cast<MovedCall*>(self); }

int moved_clear(PyObject* self) {
  Py_CLEAR(as_moved(self)->spare);
  Py_CLEAR(as_moved(self)->error);
  Py_CLEAR(as_moved(self)->stopper);
  return 0;
}

// Takes the task out: the call ends, or has ended. Null if this has been done before. Runs Python.
HomeTaskPtr take_task(PyObject* self) {
  HomeTaskPtr task = std::move(as_moved(self)->task);
  if (task && task->moved() == self) task->set_moved(nullptr);
  moved_clear(self);
  return task;
}

// The call was cancelled: tells that no code will run it.
void end_cancelled(HomeTask& task) {
  const pool::Task::Change change = task.notify_cancelled();
  if (change != pool::Task::Change::kLost && task.needs_home(change)) task.settle_at_home(change);
}

PyObject* moved_start(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const HomeTaskPtr kept = as_moved(self)->task;
    if (!kept) Py_RETURN_FALSE;
    if (kept->start()) Py_RETURN_TRUE;
    static_cast<void>(take_task(self));
    end_cancelled(*kept);
    Py_RETURN_FALSE;
  });
}

template <bool kFailed>
PyObject* moved_end(PyObject* self, PyObject* object) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const HomeTaskPtr task = take_task(self);
    if (!task) Py_RETURN_NONE;
    if (task->state() == pool::Task::State::kPending) static_cast<void>(task->start());
    if (task->state() == pool::Task::State::kRunning) {
      task->end_with(object, kFailed);
    } else {
      end_cancelled(*task);
    }
    Py_RETURN_NONE;
  });
}

PyObject* moved_cancel(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const HomeTaskPtr task = as_moved(self)->task;
    if (task && task->state() != pool::Task::State::kRunning) task->cancel_at_home();
    Py_RETURN_NONE;
  });
}

PyObject* moved_interrupt(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&] {
    const HomeTaskPtr task = as_moved(self)->task;
    return PyBool_FromLong(task ? interrupt_moved(*task) : 0);
  });
}

void call_stopper(PyObject* stopper) {
  if (!py::Ref::steal(PyObject_CallNoArgs(stopper))) PyErr_WriteUnraisable(stopper);
}

// An interrupt may have come before there was anything to stop.
int moved_set_stopper(PyObject* self, PyObject* value, void*) {
  return py::guarded(-1, [&] {
    const HomeTaskPtr task = as_moved(self)->task;
    if (!task) return 0;
    const py::Ref stopper = py::Ref::borrow(value == Py_None ? nullptr : value);
    Py_XSETREF(as_moved(self)->stopper, Py_XNewRef(stopper.get()));
    if (stopper && task->interrupted()) call_stopper(stopper.get());
    return 0;
  });
}

PyObject* moved_stopper(PyObject* self, void*) {
  PyObject* const stopper = as_moved(self)->stopper;
  return Py_NewRef(stopper == nullptr ? Py_None : stopper);
}

// Whether the code that runs it has, or will have, a stopper: it is in a process, or a coroutine.
bool is_stoppable(const MovedCall& moved) noexcept {
  return moved.spare != nullptr && (spare_item(moved.spare, SpareItem::kInProcess) == Py_True ||
                                    spare_item(moved.spare, SpareItem::kIsCoroutineFunction) == Py_True);
}

int moved_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_moved(self)->spare);
  Py_VISIT(as_moved(self)->error);
  Py_VISIT(as_moved(self)->stopper);
  return 0;
}

// The code that had to run the call has dropped it.
void end_dropped(HomeTask& task) {
  PyErr_SetString(PyExc_RuntimeError, "the call was dropped before it ended");
  task.fail_with_current();
}

void moved_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  py::Ref pending = py::take_exception();
  if (const HomeTaskPtr task = take_task(self)) {
    task->state() == pool::Task::State::kCancelled ? end_cancelled(*task) : end_dropped(*task);
  }
  py::restore_exception(std::move(pending));
  std::destroy_at(&as_moved(self)->task);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* moved_interrupted(PyObject* self, void*) {
  const HomeTaskPtr task = as_moved(self)->task;
  return PyBool_FromLong(task && task->interrupted() ? 1 : 0);
}

PyMethodDef kMovedMethods[] = {
    {"start", moved_start, METH_NOARGS,
     "start($self, /)\n--\n\nReturn True if the call may run now. If it was cancelled, return False."},
    {"cancel", moved_cancel, METH_NOARGS, "cancel($self, /)\n--\n\nCancel the call, which has not started."},
    {"interrupt", moved_interrupt, METH_NOARGS,
     "interrupt($self, /)\n--\n\n"
     "Stop the running call by its stopper, now or as soon as it has one. Return whether it was running."},
    {"finish", moved_end<false>, METH_O, "finish($self, result, /)\n--\n\nEnd the running call with its result."},
    {"fail", moved_end<true>, METH_O, "fail($self, exception, /)\n--\n\nEnd the running call with its exception."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef kMovedMembers[] = {
    {"spare", Py_T_OBJECT_EX, offsetof(MovedCall, spare), Py_READONLY, nullptr},
    {"error", Py_T_OBJECT_EX, offsetof(MovedCall, error), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef kMovedGetSet[] = {
    {"stopper", moved_stopper, moved_set_stopper, "A callable that stops the code that runs the call, or None.", nullptr},
    {"interrupted", moved_interrupted, nullptr, "Whether the call must end as interrupted.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot kMovedSlots[] = {
    {Py_tp_doc, const_cast<char*>("A call that runs elsewhere than in an interpreter.")},
    {Py_tp_traverse, reinterpret_cast<void*>(moved_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(moved_clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(moved_dealloc)},
    {Py_tp_methods, kMovedMethods},
    {Py_tp_members, kMovedMembers},
    {Py_tp_getset, kMovedGetSet},
    {0, nullptr},
};

PyType_Spec kMovedSpec = {
    .name = "aiointerpreters._core.MovedCall",
    .basicsize = sizeof(MovedCall),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kMovedSlots,
};

}  // namespace

py::Ref make_moved_call_type(PyObject* module) {
  return py::Ref::steal(PyType_FromModuleAndSpec(module, &kMovedSpec, nullptr));
}

py::Ref make_moved_call(ModuleState& home, HomeTask& task, PyObject* spare, PyObject* error) {
  auto* const type = reinterpret_cast<PyTypeObject*>(home.moved_call_type.get());
  py::Ref self = py::Ref::steal(type->tp_alloc(type, 0));
  if (!self) return self;
  MovedCall* const moved = as_moved(self.get());
  std::construct_at(&moved->task, HomeTaskPtr(&task));
  moved->spare = Py_NewRef(spare);
  moved->error = Py_NewRef(error == nullptr ? Py_None : error);
  task.set_moved(self.get());
  return self;
}

bool start_moved(const py::Ref& moved, const char* method) {
  PyObject* const elsewhere = spare_item(as_moved(moved.get())->spare, SpareItem::kElsewhere);
  return static_cast<bool>(py::Ref::steal(PyObject_CallMethod(elsewhere, method, "O", moved.get())));
}

int interrupt_moved(HomeTask& task) {
  const py::Ref moved = py::Ref::borrow(task.moved());
  if (!moved || !is_stoppable(*as_moved(moved.get())) || !task.request_interrupt()) return 0;
  const py::Ref stopper = py::Ref::borrow(as_moved(moved.get())->stopper);
  if (stopper) call_stopper(stopper.get());
  return 1;
}

}  // namespace aiointerpreters::binding
