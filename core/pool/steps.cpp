// See steps.h.
#include "pool/steps.h"

#include <memory>
#include <utility>

#include "pool/hosted_loop.h"
#include "py/error.h"
#include "py/method.h"

namespace aiointerpreters::pool {

namespace {

struct Steps {
  PyObject_HEAD
  HostedLoop* loop;
  TaskPtr task;     // null once it has ended
  PyObject* inner;  // null once the task has ended
  PyObject* name;   // the coroutine's name
  bool is_running;  // a step is running
  bool is_told;     // it was told to end, so it is cleaning up
};

Steps* as_steps(PyObject* self) noexcept { return reinterpret_cast<Steps*>(self); }

// Whether the task has not ended, by itself or with its loop. If it has ended, the loop may not exist any more.
bool is_open(PyObject* self) noexcept { return as_steps(self)->task && !as_steps(self)->task->done(); }

// Whether the next step may run. Errors: false with an exception set.
bool is_ready(PyObject* self) {
  if (as_steps(self)->is_running) return PyErr_SetString(PyExc_ValueError, "coroutine already executing"), false;
  if (is_open(self)) return true;
  PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
  return false;
}

// Closes the coroutine if it has not ended. Otherwise Python would warn about a coroutine that never began. An exception
// that is set stays set. Runs Python.
void close_inner(PyObject* self) {
  const py::Ref inner = py::Ref::steal(std::exchange(as_steps(self)->inner, nullptr));
  if (!inner) return;
  py::Ref error = py::take_exception();
  as_steps(self)->is_running = true;
  if (!py::Ref::steal(PyObject_CallMethod(inner.get(), "close", nullptr))) PyErr_WriteUnraisable(inner.get());
  as_steps(self)->is_running = false;
  py::restore_exception(std::move(error));
}

// Ends the task with this result, or if it is null, with the exception that is set. Runs Python.
void end(PyObject* self, py::Ref result) {
  const py::Ref inner = py::Ref::steal(std::exchange(as_steps(self)->inner, nullptr));
  as_steps(self)->loop->end_task(std::exchange(as_steps(self)->task, {}), std::move(result));
}

// Runs the coroutine up to its next await, by `advance(inner, &result)`. asyncio does not learn how it ends. `told`: this
// step begins with an exception that tells it to end.
template <typename Advance>
PySendResult take_step(PyObject* self, PyObject** result, bool told, Advance&& advance) {
  *result = nullptr;
  if (!is_ready(self)) return PYGEN_ERROR;
  HostedLoop& loop = *as_steps(self)->loop;
  loop.begin_step(*as_steps(self)->task, told);
  as_steps(self)->is_running = true;
  const PySendResult status = advance(as_steps(self)->inner, result);
  as_steps(self)->is_running = false;
  if (status == PYGEN_NEXT) {
    loop.end_step();
    return status;
  }
  end(self, py::Ref::steal(std::exchange(*result, nullptr)));
  *result = Py_NewRef(Py_None);
  return PYGEN_RETURN;
}

// Converts the result of a generator's method into the form of PyIter_Send.
PySendResult as_send_result(PyObject* answer, PyObject** result) {
  *result = answer;
  if (answer != nullptr) return PYGEN_NEXT;
  if (PyErr_ExceptionMatches(PyExc_StopIteration) == 0) return PYGEN_ERROR;
  const py::Ref stop = py::take_exception();
  *result = PyObject_GetAttrString(stop.get(), "value");
  return *result == nullptr ? PYGEN_ERROR : PYGEN_RETURN;
}

PySendResult throw_step(PyObject* self, PyObject* exception, PyObject** result) {
  as_steps(self)->is_told = true;
  return take_step(self, result, true, [exception](PyObject* inner, PyObject** out) {
    return as_send_result(PyObject_CallMethod(inner, "throw", "(O)", exception), out);
  });
}

PySendResult steps_send_step(PyObject* self, PyObject* value, PyObject** result) {
  *result = nullptr;
  if (!is_ready(self)) return PYGEN_ERROR;
  const HostedLoop& loop = *as_steps(self)->loop;
  if (loop.stops() && !as_steps(self)->is_told) return throw_step(self, loop.task_interrupted().get(), result);
  return take_step(self, result, false, [value](PyObject* inner, PyObject** out) { return PyIter_Send(inner, value, out); });
}

// Converts the form of PyIter_Send into the result of a generator's method.
PyObject* answer_to(PySendResult status, PyObject* result) {
  if (status == PYGEN_RETURN) {
    Py_DECREF(result);  // None
    PyErr_SetNone(PyExc_StopIteration);
    return nullptr;
  }
  return result;
}

PyObject* steps_send(PyObject* self, PyObject* value) {
  return py::guarded<PyObject*>(nullptr, [&] {
    PyObject* result = nullptr;
    const PySendResult status = steps_send_step(self, value, &result);
    return answer_to(status, result);
  });
}

PyObject* steps_throw(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (nargs < 1) return PyErr_Format(PyExc_TypeError, "throw() takes an exception");
    PyObject* result = nullptr;
    const PySendResult status = throw_step(self, args[0], &result);
    return answer_to(status, result);
  });
}

PyObject* steps_close(PyObject* self, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    if (as_steps(self)->is_running) return PyErr_SetString(PyExc_ValueError, "coroutine already executing"), nullptr;
    if (is_open(self)) {
      close_inner(self);
      PyErr_SetNone(PyExc_GeneratorExit);
      end(self, py::Ref());
    }
    Py_RETURN_NONE;
  });
}

PyObject* steps_await(PyObject* self) { return Py_NewRef(self); }

PyObject* steps_name(PyObject* self, void*) { return Py_NewRef(as_steps(self)->name); }

int steps_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_steps(self)->inner);
  return 0;
}

void steps_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  close_inner(self);
  Py_CLEAR(as_steps(self)->name);
  std::destroy_at(&as_steps(self)->task);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef kMethods[] = {
    {"send", steps_send, METH_O, nullptr},
    {"throw", py::as_method(steps_throw), METH_FASTCALL, nullptr},
    {"close", steps_close, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef kGetSet[] = {
    {"__name__", steps_name, nullptr, nullptr, nullptr},
    {"__qualname__", steps_name, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot kSlots[] = {
    {Py_tp_doc, const_cast<char*>("The coroutine of a call from home.")},
    {Py_am_await, reinterpret_cast<void*>(steps_await)},
    {Py_am_send, reinterpret_cast<void*>(steps_send_step)},
    {Py_tp_dealloc, reinterpret_cast<void*>(steps_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(steps_traverse)},
    {Py_tp_methods, kMethods},
    {Py_tp_getset, kGetSet},
    {0, nullptr},
};

PyType_Spec kSpec = {
    .name = "aiointerpreters._core.Steps",
    .basicsize = sizeof(Steps),
    .itemsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = kSlots,
};

}  // namespace

py::Ref make_steps_type() { return py::Ref::steal(PyType_FromSpec(&kSpec)); }

py::Ref make_steps(const py::Ref& type, HostedLoop& loop, TaskPtr task, const py::Ref& inner) {
  auto* const steps_type = reinterpret_cast<PyTypeObject*>(type.get());
  py::Ref name = py::Ref::steal(PyObject_GetAttrString(inner.get(), "__qualname__"));
  py::Ref self = name ? py::Ref::steal(steps_type->tp_alloc(steps_type, 0)) : py::Ref();
  if (!self) return self;
  as_steps(self.get())->loop = &loop;
  std::construct_at(&as_steps(self.get())->task, std::move(task));
  as_steps(self.get())->inner = Py_NewRef(inner.get());
  as_steps(self.get())->name = name.release();
  return self;
}

}  // namespace aiointerpreters::pool
