// See loop_wait.h.
#include "py/loop_wait.h"

#include "py/frame.h"
#include "py/python.h"

namespace aiointerpreters::py {

namespace {

// The selector's frame is called by the loop's, maybe by way of a subclass of the standard ones.
constexpr int kMaxFrames = 4;

bool is_round_of_loop(PyObject* frame) {
  const Ref name = code_attribute(frame, "co_name");
  return name && PyUnicode_EqualToUTF8(name.get(), "_run_once") != 0 && module_of(frame) == "asyncio.base_events";
}

}  // namespace

void wake_loop_wait(const Ref& frame) {
  if (!frame || module_of(frame.get()) != "selectors") return;
  Ref round = Ref::borrow(frame.get());
  for (int i = 0; round && i < kMaxFrames && !is_round_of_loop(round.get()); ++i) {
    round = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(round.get()))));
  }
  if (round && is_round_of_loop(round.get())) {
    const Ref loop = Ref::steal(PyFrame_GetVarString(reinterpret_cast<PyFrameObject*>(round.get()), "self"));
    // What it calls does not matter: the exception comes before.
    if (loop) static_cast<void>(Ref::steal(PyObject_CallMethod(loop.get(), "call_soon_threadsafe", "O", &PyBool_Type)));
  }
  PyErr_Clear();
}

}  // namespace aiointerpreters::py
