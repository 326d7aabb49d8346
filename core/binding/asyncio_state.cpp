// See asyncio_state.h.
#include "binding/asyncio_state.h"

#include <utility>

#include "binding/asyncio_bridge.h"
#include "binding/module_state.h"
#include "binding/run_future_type.h"

namespace aiointerpreters::binding {

bool prepare_asyncio(PyObject* module, ModuleState& home) {
  AsyncioState& state = home.asyncio;
  if (state.run_future_type) return true;
  py::Ref asyncio = py::Ref::steal(PyImport_ImportModule("asyncio"));
  py::Ref future = asyncio ? py::Ref::steal(PyObject_GetAttrString(asyncio.get(), "Future")) : py::Ref();
  if (!future) return false;
  const std::pair<py::Ref*, const char*> names[] = {
      {&state.names.blocking, "_asyncio_future_blocking"},
      {&state.names.cancel, "cancel"},
      {&state.names.done, "done"},
      {&state.names.loop, "loop"},
      {&state.names.result, "result"},
      {&state.names.set_exception, "set_exception"},
      {&state.names.set_result, "set_result"},
  };
  for (const auto& [name, text] : names) {
    *name = py::Ref::steal(PyUnicode_InternFromString(text));
    if (!*name) return false;
  }
  state.get_running_loop = py::Ref::steal(PyObject_GetAttrString(asyncio.get(), "get_running_loop"));
  state.future_cancel = py::Ref::steal(PyObject_GetAttrString(future.get(), "cancel"));
  state.bridge_type = make_bridge_type(module);
  if (!state.get_running_loop || !state.future_cancel || !state.bridge_type) return false;
  state.run_future_type = make_run_future_type(module, future.get());
  return state.run_future_type && PyModule_AddObjectRef(module, "RunFuture", state.run_future_type.get()) == 0;
}

}  // namespace aiointerpreters::binding
