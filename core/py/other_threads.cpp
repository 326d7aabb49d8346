// See other_threads.h.
#include "py/other_threads.h"

#include <vector>

#include "py/call_stack.h"
#include "py/condition_wait.h"
#include "py/frame.h"
#include "py/loop_wait.h"
#include "py/ref.h"

namespace aiointerpreters::py {

namespace {

// The frame that this thread of the interpreter runs; null if there is none.
Ref frame_of(unsigned long thread) {
  PyThreadState* const state = state_of_thread(thread);
  return state != nullptr ? Ref::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(state))) : Ref();
}

// Whether it is a thread of a standard library executor, and has no call to run. Such threads pass the order to end on to
// each other.
bool is_idle(unsigned long thread) {
  const Ref frame = frame_of(thread);
  const Ref name = frame ? code_attribute(frame.get(), "co_name") : Ref();
  return name && PyUnicode_EqualToUTF8(name.get(), "_worker") != 0 && module_of(frame.get()) == "concurrent.futures.thread";
}

void raise_exit(unsigned long thread) {
  PyThreadState_SetAsyncExc(thread, PyExc_SystemExit);
  const Ref frame = frame_of(thread);
  wake_condition_wait(frame);
  wake_loop_wait(frame);
}

// The threads that `threading` knows in this interpreter: a tuple of Thread objects, or null.
Ref known_threads() {
  const Ref name = Ref::steal(PyUnicode_FromString("threading"));
  const Ref threading = name ? Ref::steal(PyImport_GetModule(name.get())) : Ref();
  const Ref list = threading ? Ref::steal(PyObject_CallMethod(threading.get(), "enumerate", nullptr)) : Ref();
  Ref threads = list ? Ref::steal(PySequence_Tuple(list.get())) : Ref();
  PyErr_Clear();
  return threads;
}

// The ident of a thread object; 0 if it has none yet.
unsigned long ident_of(PyObject* thread) {
  const Ref ident = Ref::steal(PyObject_GetAttrString(thread, "ident"));
  const unsigned long value = ident && PyLong_Check(ident.get()) ? PyLong_AsUnsignedLong(ident.get()) : 0;
  if (PyErr_Occurred() == nullptr) return value;
  PyErr_Clear();
  return 0;
}

// The idents of the other threads. One that is being started has none yet.
std::vector<unsigned long> others() {
  std::vector<unsigned long> idents;
  PyThreadState* const own = PyThreadState_Get();
  PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  for (; state != nullptr; state = PyThreadState_Next(state)) {
    if (state != own) idents.push_back(state->thread_id);
  }
  return idents;
}

std::string name_of(const Ref& known, unsigned long thread) {
  for (Py_ssize_t i = 0; known && i < PyTuple_GET_SIZE(known.get()); ++i) {
    PyObject* const each = PyTuple_GET_ITEM(known.get(), i);
    if (ident_of(each) != thread) continue;
    const Ref name = Ref::steal(PyObject_GetAttrString(each, "name"));
    const Ref text = name ? Ref::steal(PyObject_Str(name.get())) : Ref();
    const char* const utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    PyErr_Clear();
    if (utf8 != nullptr) return utf8;
  }
  return "thread " + std::to_string(thread);
}

int raise_at_each_line(PyObject*, PyFrameObject*, int, PyObject*) {
  PyErr_SetNone(PyExc_SystemExit);
  return -1;
}

}  // namespace

void end_other_threads(unsigned long own) {
  const Ref threads = known_threads();
  for (Py_ssize_t i = 0; threads && i < PyTuple_GET_SIZE(threads.get()); ++i) {
    PyObject* const each = PyTuple_GET_ITEM(threads.get(), i);
    if (PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(each)), "is_spared") != 0) continue;
    const unsigned long thread = ident_of(each);
    if (thread != 0 && thread != own && !is_idle(thread)) raise_exit(thread);
    PyErr_Clear();
  }
}

bool has_other_threads() {
  PyThreadState* const head = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  return head != PyThreadState_Get() || PyThreadState_Next(head) != nullptr;
}

bool has_threads(PyInterpreterState* interpreter) noexcept { return PyInterpreterState_ThreadHead(interpreter) != nullptr; }

void stop_other_threads() {
  for (const unsigned long thread : others()) {
    if (thread != 0) raise_exit(thread);
  }
}

void stop_other_threads_for_good() {
  PyEval_SetTraceAllThreads(raise_at_each_line, nullptr);
  PyEval_SetTrace(nullptr, nullptr);
  PyErr_Clear();
}

std::string names_of_other_threads() {
  const Ref known = known_threads();
  std::string names;
  for (const unsigned long thread : others()) names += (names.empty() ? "" : ", ") + name_of(known, thread);
  return names;
}

}  // namespace aiointerpreters::py
