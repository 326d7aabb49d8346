// See other_threads.h.
#include "py/other_threads.h"

#include <algorithm>

#include "py/frame.h"

namespace aiointerpreters::py {

namespace {

// Whether a thread of one of the standard library's executors, which runs that frame, has no call to run. It ends by a word that
// each thread passes on to the next.
bool is_idle(PyObject* frame) {
  const Ref name = code_attribute(frame, "co_name");
  return name && PyUnicode_EqualToUTF8(name.get(), "_worker") != 0 && module_of(frame) == "concurrent.futures.thread";
}

}  // namespace

void end_other_threads(std::initializer_list<unsigned long> spared) {
  const Ref name = Ref::steal(PyUnicode_FromString("threading"));
  const Ref threading = name ? Ref::steal(PyImport_GetModule(name.get())) : Ref();
  const Ref list = threading ? Ref::steal(PyObject_CallMethod(threading.get(), "enumerate", nullptr)) : Ref();
  const Ref threads = list ? Ref::steal(PySequence_Tuple(list.get())) : Ref();
  PyObject* const look = PySys_GetObject("_current_frames");  // borrowed
  const Ref frames = threads && look != nullptr ? Ref::steal(PyObject_CallNoArgs(look)) : Ref();
  for (Py_ssize_t i = 0; threads && i < PyTuple_GET_SIZE(threads.get()); ++i) {
    PyObject* const each = PyTuple_GET_ITEM(threads.get(), i);
    if (PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(each)), "is_spared") != 0) continue;
    const Ref ident = Ref::steal(PyObject_GetAttrString(each, "ident"));
    const unsigned long thread = ident && PyLong_Check(ident.get()) ? PyLong_AsUnsignedLong(ident.get()) : 0;
    PyObject* const frame = frames && ident ? PyDict_GetItemWithError(frames.get(), ident.get()) : nullptr;  // borrowed
    const bool is_spared =
        thread == 0 || std::ranges::find(spared, thread) != spared.end() || (frame != nullptr && is_idle(frame));
    if (PyErr_Occurred() == nullptr && !is_spared) PyThreadState_SetAsyncExc(thread, PyExc_SystemExit);
    PyErr_Clear();
  }
  PyErr_Clear();
}

}  // namespace aiointerpreters::py
