// See run_in_executor.h.
#include "binding/run_in_executor.h"

#include "binding/asyncio_bridge.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

bool is_called_by_running_loop(const ModuleState& home) noexcept {
  const AsyncioState& asyncio = home.asyncio;
  if (!asyncio.run_future_type) return false;  // no loop has awaited a call yet
  const py::Ref loop = running_loop(home);
  PyFrameObject* const frame = loop ? PyEval_GetFrame() : nullptr;  // borrowed
  if (frame == nullptr) return PyErr_Clear(), false;
  const py::Ref code = py::Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
  // A loop that is not Python code, such as uvloop's, has no frame of its own. to_thread always uses the running loop.
  if (code.get() == asyncio.to_thread_code.get()) return true;
  if (code.get() != asyncio.run_in_executor_code.get()) return false;
  const py::Ref self = py::Ref::steal(PyFrame_GetVarString(frame, "self"));
  PyErr_Clear();
  return self.get() == loop.get();
}

}  // namespace aiointerpreters::binding
