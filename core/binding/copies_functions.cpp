// See copies_functions.h.
#include "binding/copies_functions.h"

#include <string>
#include <vector>

#include "extensions/copy_store.h"
#include "extensions/support.h"
#include "py/error.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

namespace {

py::Ref path_object(const std::string& path) {
  return py::Ref::steal(PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
}

py::Ref describe(const extensions::FolderReport& folder) {
  const py::Ref path = path_object(folder.path);
  const py::Ref refused = path_object(folder.refused);
  if (!path || !refused) return {};
  const extensions::Contents& contents = folder.contents;
  const py::Ref oldest =
      contents.oldest_use ? py::Ref::steal(PyLong_FromLongLong(*contents.oldest_use)) : py::Ref::borrow(Py_None);
  if (!oldest) return {};
  return py::Ref::steal(Py_BuildValue("(OOOOnKO)", path.get(), refused.get(), folder.absent ? Py_True : Py_False,
                                      folder.read_only ? Py_True : Py_False, static_cast<Py_ssize_t>(contents.files),
                                      static_cast<unsigned long long>(contents.bytes), oldest.get()));
}

PyDoc_STRVAR(
    describe_doc,
    "describe_copies($module, /)\n--\n\n"
    "Return a tuple for each folder of private copies, in the order in which the folders are tried.\n\n"
    "Returns:\n"
    "    A list of tuples (path, refused, absent, read_only, files, size, oldest_use): the path of the folder; the reason\n"
    "    why it cannot be used, or an empty string; whether it does not exist yet; whether nothing can be added to it; the\n"
    "    number of copies in it; their size in bytes; the last use of the least recently used copy, in seconds since 1970,\n"
    "    or None.");

PyObject* describe_copies(PyObject*, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    py::Ref folders = py::Ref::steal(PyList_New(0));
    if (!folders) return nullptr;
    for (const extensions::FolderReport& folder : extensions::CopyStore(extensions::Environment::of_process()).describe()) {
      const py::Ref described = describe(folder);
      if (!described || PyList_Append(folders.get(), described.get()) < 0) return nullptr;
    }
    return folders.release();
  });
}

PyDoc_STRVAR(
    clear_doc,
    "clear_copies($module, /)\n--\n\n"
    "Remove the private copies from all folders. Programs that use them are not disturbed.\n\n"
    "Returns:\n"
    "    A tuple: the number of removed copies, their size in bytes, and a list with one sentence for each folder in which\n"
    "    something was left.");

PyObject* clear_copies(PyObject*, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const extensions::Cleared cleared = extensions::CopyStore(extensions::Environment::of_process()).clear();
    const py::Ref errors = py::Ref::steal(PyList_New(0));
    if (!errors) return nullptr;
    for (const std::string& error : cleared.errors) {
      const py::Ref text = path_object(error);
      if (!text || PyList_Append(errors.get(), text.get()) < 0) return nullptr;
    }
    return Py_BuildValue("(nKO)", static_cast<Py_ssize_t>(cleared.files), static_cast<unsigned long long>(cleared.bytes),
                         errors.get());
  });
}

PyDoc_STRVAR(why_no_copies_doc,
             "why_no_copies($module, /)\n--\n\n"
             "Return the reason why this system cannot load extension modules as private copies, or None if it can.");

PyObject* why_no_copies(PyObject*, PyObject*) {
  const char* const reason = extensions::unsupported_reason();
  return reason == nullptr ? Py_NewRef(Py_None) : PyUnicode_FromString(reason);
}

PyMethodDef kCopiesFunctions[] = {
    {"describe_copies", describe_copies, METH_NOARGS, describe_doc},
    {"clear_copies", clear_copies, METH_NOARGS, clear_doc},
    {"why_no_copies", why_no_copies, METH_NOARGS, why_no_copies_doc},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_copies_functions(PyObject* module) { return PyModule_AddFunctions(module, kCopiesFunctions) == 0; }

}  // namespace aiointerpreters::binding
