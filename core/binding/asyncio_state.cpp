// See asyncio_state.h.
#include "binding/asyncio_state.h"

#include <utility>

#include "binding/asyncio_bridge.h"
#include "binding/ended_await.h"
#include "binding/module_state.h"
#include "binding/run_future_type.h"

namespace aiointerpreters::binding {

namespace {

// The code of the function with this dotted name. Returns new; null, without an exception, if there is no such function.
py::Ref code_of(const char* module, const char* first, const char* second = nullptr) {
  py::Ref found = py::Ref::steal(PyImport_ImportModule(module));
  for (const char* name : {first, second, "__code__"}) {
    if (found && name != nullptr) found = py::Ref::steal(PyObject_GetAttrString(found.get(), name));
  }
  PyErr_Clear();
  return found;
}

}  // namespace

bool prepare_asyncio(PyObject* module, ModuleState& home) {
  AsyncioState& state = home.asyncio;
  if (state.run_future_type) return true;
  py::Ref asyncio = py::Ref::steal(PyImport_ImportModule("asyncio"));
  py::Ref future = asyncio ? py::Ref::steal(PyObject_GetAttrString(asyncio.get(), "Future")) : py::Ref();
  if (!future) return false;
  const std::pair<py::Ref*, const char*> names[] = {
      {&state.names.blocking, "_asyncio_future_blocking"},
      {&state.names.call_soon, "call_soon"},
      {&state.names.call_soon_threadsafe, "call_soon_threadsafe"},
      {&state.names.cancel, "cancel"},
      {&state.names.done, "done"},
      {&state.names.exception, "exception"},
      {&state.names.get_loop, "get_loop"},
      {&state.names.loop, "loop"},
      {&state.names.result, "result"},
      {&state.names.set_exception, "set_exception"},
      {&state.names.set_result, "set_result"},
  };
  for (const auto& [name, text] : names) {
    *name = py::Ref::steal(PyUnicode_InternFromString(text));
    if (!*name) return false;
  }
  state.names.context_keyword = py::Ref::steal(Py_BuildValue("(s)", "context"));
  state.get_running_loop = py::Ref::steal(PyObject_GetAttrString(asyncio.get(), "_get_running_loop"));
  state.future_cancel = py::Ref::steal(PyObject_GetAttrString(future.get(), "cancel"));
  state.future_add_done_callback = py::Ref::steal(PyObject_GetAttrString(future.get(), "add_done_callback"));
  state.future_blocking = py::Ref::steal(PyObject_GetAttr(future.get(), state.names.blocking.get()));
  state.bridge_type = make_bridge_type(module);
  state.ended_await_type = make_ended_await_type(module);
  if (!state.names.context_keyword || !state.get_running_loop || !state.future_cancel || !state.future_add_done_callback ||
      !state.future_blocking || !state.bridge_type || !state.ended_await_type) {
    return false;
  }
  state.run_in_executor_code = code_of("asyncio.base_events", "BaseEventLoop", "run_in_executor");
  state.to_thread_code = code_of("asyncio.threads", "to_thread");
  py::Ref type = make_run_future_type(module, future.get());
  state.run_coroutine_type = type ? make_run_coroutine_type(module, type.get()) : py::Ref();
  if (!state.run_coroutine_type || PyModule_AddObjectRef(module, "RunFuture", type.get()) < 0) return false;
  state.run_future_type = std::move(type);
  return true;
}

}  // namespace aiointerpreters::binding
