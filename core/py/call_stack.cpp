// See call_stack.h.
#include "py/call_stack.h"

#include <algorithm>

#include "py/frame.h"
#include "py/ref.h"
#include "py/text.h"

namespace aiointerpreters::py {

namespace {

std::string text_of(const Ref& text) { return utf8_of(text.get(), "surrogatepass"); }

base::FrameLine line_of(PyObject* frame) {
  return {text_of(code_attribute(frame, "co_filename")), text_of(code_attribute(frame, "co_qualname")),
          PyFrame_GetLineNumber(reinterpret_cast<PyFrameObject*>(frame))};
}

// The prefix of the attributes of exactly this kind of coroutine; null for all other objects, which may run Python when
// they are asked for an attribute.
const char* prefix_of(PyObject* object) noexcept {
  if (PyCoro_CheckExact(object)) return "cr_";
  if (PyGen_CheckExact(object)) return "gi_";
  return PyAsyncGen_CheckExact(object) ? "ag_" : nullptr;
}

Ref attribute_of(PyObject* coroutine, const char* prefix, const char* name) {
  Ref value = Ref::steal(PyObject_GetAttrString(coroutine, (std::string(prefix) + name).c_str()));
  PyErr_Clear();
  return value && value.get() != Py_None ? std::move(value) : Ref();
}

// The threads that `threading` knows: a dict of Thread objects, by ident. Borrowed; null if there is none.
PyObject* active_threads() {
  PyObject* const modules = PyImport_GetModuleDict();                                                     // borrowed
  PyObject* const threading = modules != nullptr ? PyDict_GetItemString(modules, "threading") : nullptr;  // borrowed
  PyObject* const names = threading != nullptr && PyModule_Check(threading) ? PyModule_GetDict(threading) : nullptr;
  PyObject* const active = names != nullptr ? PyDict_GetItemString(names, "_active") : nullptr;
  return active != nullptr && PyDict_Check(active) ? active : nullptr;
}

std::string name_of_thread(PyObject* active, unsigned long ident) {
  const Ref key = Ref::steal(active != nullptr ? PyLong_FromUnsignedLong(ident) : nullptr);
  const Ref thread = Ref::borrow(key ? PyDict_GetItemWithError(active, key.get()) : nullptr);
  const Ref name = thread ? Ref::steal(PyObject_GetAttrString(thread.get(), "_name")) : Ref();
  PyErr_Clear();
  return text_of(name);
}

}  // namespace

PyThreadState* state_of_thread(unsigned long thread) noexcept {
  PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  while (state != nullptr && state->thread_id != thread) state = PyThreadState_Next(state);
  return state;
}

base::CallStack call_stack(PyThreadState* state, PyObject* outermost) {
  base::CallStack lines;
  Ref frame = Ref::steal(state != nullptr ? reinterpret_cast<PyObject*>(PyThreadState_GetFrame(state)) : nullptr);
  while (frame && lines.size() < kMostFrames) {
    lines.push_back(line_of(frame.get()));
    if (frame.get() == outermost) break;
    frame = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(frame.get()))));
  }
  PyErr_Clear();
  std::ranges::reverse(lines);
  return lines;
}

base::CallStack coroutine_stack(PyObject* coroutine) {
  base::CallStack lines;
  Ref awaited = Ref::borrow(coroutine);
  while (awaited && lines.size() < kMostFrames) {
    const char* const prefix = prefix_of(awaited.get());
    const Ref frame = prefix != nullptr ? attribute_of(awaited.get(), prefix, "frame") : Ref();
    if (!frame) break;
    lines.push_back(line_of(frame.get()));
    awaited = attribute_of(awaited.get(), prefix, PyGen_CheckExact(awaited.get()) ? "yieldfrom" : "await");
  }
  return lines;
}

PyObject* frame_of_coroutine(PyObject* coroutine) {
  const char* const prefix = coroutine != nullptr ? prefix_of(coroutine) : nullptr;
  return prefix != nullptr ? attribute_of(coroutine, prefix, "frame").get() : nullptr;
}

std::vector<ThreadStack> other_call_stacks(unsigned long one, unsigned long other) {
  std::vector<ThreadStack> stacks;
  PyObject* const active = active_threads();
  PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  for (; state != nullptr; state = PyThreadState_Next(state)) {
    const unsigned long thread = state->thread_id;
    if (thread == one || thread == other) continue;
    base::CallStack stack = call_stack(state);
    if (!stack.empty()) stacks.push_back({name_of_thread(active, thread), thread, std::move(stack)});
  }
  return stacks;
}

}  // namespace aiointerpreters::py
