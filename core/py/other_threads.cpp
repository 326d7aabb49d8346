// See other_threads.h.
#include "py/other_threads.h"

#include "py/condition_wait.h"
#include "py/frame.h"

namespace aiointerpreters::py {

namespace {

// What that thread of the interpreter runs; null if it is nothing. Not by sys._current_frames, which makes frame objects for the
// threads of all interpreters without their GILs (docs/design/hazards.md). Threads leave the list with the GIL only; those that come
// without it are put at its head.
Ref frame_of(unsigned long thread) {
  PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Get());
  while (state != nullptr && state->thread_id != thread) state = PyThreadState_Next(state);
  return state != nullptr ? Ref::steal(reinterpret_cast<PyObject*>(PyThreadState_GetFrame(state))) : Ref();
}

// Whether that is a thread of one of the standard library's executors which has no call to run. It ends by a word that each of
// them passes on to the next.
bool is_idle(unsigned long thread) {
  const Ref frame = frame_of(thread);
  const Ref name = frame ? code_attribute(frame.get(), "co_name") : Ref();
  return name && PyUnicode_EqualToUTF8(name.get(), "_worker") != 0 && module_of(frame.get()) == "concurrent.futures.thread";
}

}  // namespace

void end_other_threads(unsigned long own) {
  const Ref name = Ref::steal(PyUnicode_FromString("threading"));
  const Ref threading = name ? Ref::steal(PyImport_GetModule(name.get())) : Ref();
  const Ref list = threading ? Ref::steal(PyObject_CallMethod(threading.get(), "enumerate", nullptr)) : Ref();
  const Ref threads = list ? Ref::steal(PySequence_Tuple(list.get())) : Ref();
  for (Py_ssize_t i = 0; threads && i < PyTuple_GET_SIZE(threads.get()); ++i) {
    PyObject* const each = PyTuple_GET_ITEM(threads.get(), i);
    if (PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(each)), "is_spared") != 0) continue;
    const Ref ident = Ref::steal(PyObject_GetAttrString(each, "ident"));
    const unsigned long thread = ident && PyLong_Check(ident.get()) ? PyLong_AsUnsignedLong(ident.get()) : 0;
    const bool is_spared = thread == 0 || thread == own || is_idle(thread);
    if (PyErr_Occurred() == nullptr && !is_spared) {
      PyThreadState_SetAsyncExc(thread, PyExc_SystemExit);
      wake_condition_wait(frame_of(thread));
    }
    PyErr_Clear();
  }
  PyErr_Clear();
}

}  // namespace aiointerpreters::py
