// See moved_call.h.
#include "binding/moved_call.h"

#include <memory>
#include <utility>

#include "py/error.h"

namespace aiointerpreters::binding {

namespace {

struct MovedCall {
  PyObject_HEAD
  HomeTaskPtr task;
  PyObject* spare;    // the tuple: Elsewhere, and the call
  PyObject* error;    // why no interpreter could run it, or None
  PyObject* stopper;  // a callable that stops the code that runs it, or None
};

MovedCall* as_moved(PyObject* self) noexcept { return reinterpret_cast<MovedCall*>(self); }

PyObject* moved_start(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    HomeTask& task = *as_moved(self)->task;
    if (task.start()) Py_RETURN_TRUE;
    const pool::Task::Change change = task.notify_cancelled();
    if (change != pool::Task::Change::kLost && task.needs_home(change)) task.settle_at_home(change);
    Py_RETURN_FALSE;
  });
}

template <bool kFailed>
PyObject* moved_end(PyObject* self, PyObject* object) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    HomeTask& task = *as_moved(self)->task;
    if (task.state() == pool::Task::State::kRunning) task.end_with(object, kFailed);
    Py_RETURN_NONE;
  });
}

PyObject* moved_cancel(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&] {
    as_moved(self)->task->cancel_at_home();
    return Py_NewRef(Py_None);
  });
}

PyObject* moved_interrupt(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&] { return PyBool_FromLong(interrupt_moved(*as_moved(self)->task)); });
}

int moved_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_moved(self)->spare);
  Py_VISIT(as_moved(self)->error);
  Py_VISIT(as_moved(self)->stopper);
  return 0;
}

int moved_clear(PyObject* self) {
  Py_CLEAR(as_moved(self)->spare);
  Py_CLEAR(as_moved(self)->error);
  Py_CLEAR(as_moved(self)->stopper);
  return 0;
}

// The code that had to run the call has dropped it.
void end_dropped(HomeTask& task) {
  py::Ref pending = py::take_exception();
  PyErr_SetString(PyExc_RuntimeError, "the call was dropped before it ended");
  task.fail_with_current();
  py::restore_exception(std::move(pending));
}

void moved_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  HomeTask& task = *as_moved(self)->task;
  if (task.moved() == self) task.set_moved(nullptr);
  if (task.state() == pool::Task::State::kCancelled) {
    Py_XDECREF(moved_start(self, nullptr));
  } else if (!task.done()) {
    end_dropped(task);
  }
  moved_clear(self);
  std::destroy_at(&as_moved(self)->task);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* moved_interrupted(PyObject* self, void*) { return PyBool_FromLong(as_moved(self)->task->interrupted()); }

PyMethodDef kMovedMethods[] = {
    {"start", moved_start, METH_NOARGS,
     "start($self, /)\n--\n\nReturn True if the call may run now. If it was cancelled, return False."},
    {"cancel", moved_cancel, METH_NOARGS, "cancel($self, /)\n--\n\nCancel the call, which has not started."},
    {"interrupt", moved_interrupt, METH_NOARGS,
     "interrupt($self, /)\n--\n\nStop the running call by its stopper. Return whether it was running and has one."},
    {"finish", moved_end<false>, METH_O, "finish($self, result, /)\n--\n\nEnd the running call with its result."},
    {"fail", moved_end<true>, METH_O, "fail($self, exception, /)\n--\n\nEnd the running call with its exception."},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef kMovedMembers[] = {
    {"spare", Py_T_OBJECT_EX, offsetof(MovedCall, spare), Py_READONLY, nullptr},
    {"error", Py_T_OBJECT_EX, offsetof(MovedCall, error), Py_READONLY, nullptr},
    {"stopper", Py_T_OBJECT_EX, offsetof(MovedCall, stopper), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyGetSetDef kMovedGetSet[] = {
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
  moved->stopper = Py_NewRef(Py_None);
  task.set_moved(self.get());
  return self;
}

bool start_moved(const py::Ref& moved, const char* method) {
  PyObject* const elsewhere = PyTuple_GET_ITEM(as_moved(moved.get())->spare, 0);
  return static_cast<bool>(py::Ref::steal(PyObject_CallMethod(elsewhere, method, "O", moved.get())));
}

int interrupt_moved(HomeTask& task) {
  const py::Ref moved = py::Ref::borrow(task.moved());
  const py::Ref stopper = py::Ref::borrow(as_moved(moved.get())->stopper);
  if (stopper.get() == Py_None || !task.request_interrupt()) return 0;
  if (!py::Ref::steal(PyObject_CallNoArgs(stopper.get()))) PyErr_WriteUnraisable(stopper.get());
  return 1;
}

}  // namespace aiointerpreters::binding
