// See thread_name.h. The finder is a module object with the methods of importlib.abc.MetaPathFinder and Loader, and these
// attributes: `name`, the thread's; `thread`, its number; `loader`, the one of `threading`.
#include "py/thread_name.h"

#include "base/thread.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

namespace {

// Makes the dummy object that `threading` creates for this thread look like the thread at home. Otherwise it would be a
// daemon, and so would all threads that are started here without an explicit setting. Errors: false with an exception set.
bool describe_current(PyObject* threading, PyObject* name) {
  const Ref thread = Ref::steal(PyObject_CallMethod(threading, "current_thread", nullptr));
  if (!thread || PyObject_SetAttrString(thread.get(), "name", name) < 0 ||
      PyObject_SetAttrString(thread.get(), "_daemonic", Py_False) < 0) {
    return false;
  }
  // From 3.14 on, setting the name has changed the name that the operating system shows, too.
  const char* const text = PyUnicode_AsUTF8(name);
  if (text != nullptr) base::name_this_thread(text);
  PyErr_Clear();
  return true;
}

// find_spec(name, path, target): the spec from the other finders, with this object as its loader.
PyObject* find_spec(PyObject* finder, PyObject* args) {
  if (PyTuple_GET_SIZE(args) == 0) Py_RETURN_NONE;
  PyObject* const name = PyTuple_GET_ITEM(args, 0);
  PyObject* const finders = PySys_GetObject("meta_path");  // borrowed
  if (!PyUnicode_Check(name) || PyUnicode_EqualToUTF8(name, "threading") == 0 || finders == nullptr) Py_RETURN_NONE;
  const Ref all = Ref::steal(PySequence_Tuple(finders));
  Ref spec;
  for (Py_ssize_t i = 0; all && !spec && i < PyTuple_GET_SIZE(all.get()); ++i) {
    PyObject* const other = PyTuple_GET_ITEM(all.get(), i);
    const Ref find = other == finder ? Ref() : Ref::steal(PyObject_GetAttrString(other, "find_spec"));
    PyErr_Clear();
    if (!find) continue;
    Ref found = Ref::steal(PyObject_CallObject(find.get(), args));
    if (!found) return nullptr;
    if (found.get() != Py_None) spec = std::move(found);
  }
  if (!all) return nullptr;
  if (!spec) Py_RETURN_NONE;
  const Ref loader = Ref::steal(PyObject_GetAttrString(spec.get(), "loader"));
  if (!loader) return nullptr;
  if (PyObject_HasAttrString(loader.get(), "exec_module") == 0) return spec.release();
  const bool is_set = PyObject_SetAttrString(finder, "loader", loader.get()) == 0 &&
                      PyObject_SetAttrString(spec.get(), "loader", finder) == 0;
  return is_set ? spec.release() : nullptr;
}

PyObject* create_module(PyObject* finder, PyObject* spec) {
  const Ref loader = Ref::steal(PyObject_GetAttrString(finder, "loader"));
  if (!loader) return nullptr;
  if (PyObject_HasAttrString(loader.get(), "create_module") == 0) Py_RETURN_NONE;
  return PyObject_CallMethod(loader.get(), "create_module", "O", spec);
}

// Restores the state as if this finder had never been installed.
PyObject* exec_module(PyObject* finder, PyObject* threading) {
  const Ref loader = Ref::steal(PyObject_GetAttrString(finder, "loader"));
  const Ref spec = Ref::steal(PyObject_GetAttrString(threading, "__spec__"));
  if (!loader || !spec || PyObject_SetAttrString(spec.get(), "loader", loader.get()) < 0 ||
      PyObject_SetAttrString(threading, "__loader__", loader.get()) < 0 ||
      !Ref::steal(PyObject_CallMethod(loader.get(), "exec_module", "O", threading))) {
    return nullptr;
  }
  const Ref name = Ref::steal(PyObject_GetAttrString(finder, "name"));
  const Ref thread = Ref::steal(PyObject_GetAttrString(finder, "thread"));
  // Another thread that `threading` does not know may have imported it. Then the name is not set.
  const bool is_here = thread && PyLong_AsUnsignedLong(thread.get()) == PyThread_get_thread_ident();
  if (PyErr_Occurred() == nullptr && name && is_here && !describe_current(threading, name.get())) return nullptr;
  PyErr_Clear();
  PyObject* const finders = PySys_GetObject("meta_path");  // borrowed
  static_cast<void>(Ref::steal(finders == nullptr ? nullptr : PyObject_CallMethod(finders, "remove", "O", finder)));
  PyErr_Clear();  // other code has taken it out before
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"find_spec", find_spec, METH_VARARGS, nullptr},
    {"create_module", create_module, METH_O, nullptr},
    {"exec_module", exec_module, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool name_thread(const std::string& name) {
  const Ref text = Ref::steal(PyUnicode_DecodeUTF8(name.data(), static_cast<Py_ssize_t>(name.size()), "surrogatepass"));
  const Ref key = Ref::steal(PyUnicode_FromString("threading"));
  if (!text || !key) return false;
  const Ref threading = Ref::steal(PyImport_GetModule(key.get()));
  if (threading) return describe_current(threading.get(), text.get());
  if (PyErr_Occurred() != nullptr) return false;
  const Ref finder = Ref::steal(PyModule_New("aiointerpreters.thread_name"));
  const Ref thread = Ref::steal(PyLong_FromUnsignedLong(PyThread_get_thread_ident()));
  PyObject* const finders = PySys_GetObject("meta_path");  // borrowed
  return finder && thread && PyModule_AddFunctions(finder.get(), methods) == 0 &&
         PyObject_SetAttrString(finder.get(), "name", text.get()) == 0 &&
         PyObject_SetAttrString(finder.get(), "thread", thread.get()) == 0 && finders != nullptr && PyList_Check(finders) &&
         PyList_Insert(finders, 0, finder.get()) == 0;
}

}  // namespace aiointerpreters::py
