// See loop_wait.h.
#include "py/loop_wait.h"

#include <string>

#include "py/frame.h"
#include "py/python.h"

namespace aiointerpreters::py {

namespace {

// The number of frames from the selector to the loop: some loops use a subclass of a standard selector.
constexpr int kMaxFrames = 4;

bool is_round_of_loop(PyObject* frame) {
  const Ref name = code_attribute(frame, "co_name");
  return name && PyUnicode_EqualToUTF8(name.get(), "_run_once") != 0 && module_of(frame) == "asyncio.base_events";
}

// An attribute of a module that has been imported here; otherwise null.
Ref imported(const char* module, const char* attribute) {
  const Ref name = Ref::steal(PyUnicode_FromString(module));
  const Ref found = name ? Ref::steal(PyImport_GetModule(name.get())) : Ref();
  Ref value = found ? Ref::steal(PyObject_GetAttrString(found.get(), attribute)) : Ref();
  PyErr_Clear();
  return value;
}

Ref attribute_of(const Ref& object, const char* name) {
  Ref value = object ? Ref::steal(PyObject_GetAttrString(object.get(), name)) : Ref();
  PyErr_Clear();
  return value;
}

void wake(const Ref& loop) {
  // A loop in Python gets the exception before it calls this function; a loop in C gets it inside the function.
  const Ref callable = imported("aiointerpreters._left_threads", "come_out");
  PyObject* const called = callable ? callable.get() : reinterpret_cast<PyObject*>(&PyBool_Type);
  static_cast<void>(Ref::steal(PyObject_CallMethod(loop.get(), "call_soon_threadsafe", "O", called)));
  PyErr_Clear();
}

// A loop in C has no frame, so the innermost frame belongs to its caller. This is `threading`, if the loop's method is the
// target of a thread; or `asyncio.run`; or a function with a variable for the loop.
void wake_loops_in(PyObject* frame, const Ref& loop_type) {
  const Ref locals = Ref::steal(PyFrame_GetLocals(reinterpret_cast<PyFrameObject*>(frame)));
  const Ref values = locals ? Ref::steal(PyMapping_Values(locals.get())) : Ref();
  PyErr_Clear();
  const std::string module = module_of(frame);
  for (Py_ssize_t i = 0; values && i < PyList_GET_SIZE(values.get()); ++i) {
    Ref loop = Ref::borrow(PyList_GET_ITEM(values.get(), i));
    if (module == "threading") loop = attribute_of(attribute_of(loop, "_target"), "__self__");
    if (module == "asyncio.runners") loop = attribute_of(loop, "_loop");
    if (loop && PyObject_IsInstance(loop.get(), loop_type.get()) == 1) wake(loop);
    PyErr_Clear();
  }
}

}  // namespace

void wake_loop_wait(const Ref& frame) {
  if (!frame) return;
  const Ref loop_type = imported("asyncio.events", "AbstractEventLoop");
  if (!loop_type) return;
  if (module_of(frame.get()) != "selectors") return wake_loops_in(frame.get(), loop_type);
  Ref round = Ref::borrow(frame.get());
  for (int i = 0; round && i < kMaxFrames && !is_round_of_loop(round.get()); ++i) {
    round = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(round.get()))));
  }
  if (round && is_round_of_loop(round.get())) {
    const Ref loop = Ref::steal(PyFrame_GetVarString(reinterpret_cast<PyFrameObject*>(round.get()), "self"));
    if (loop) wake(loop);
  }
  PyErr_Clear();
}

}  // namespace aiointerpreters::py
