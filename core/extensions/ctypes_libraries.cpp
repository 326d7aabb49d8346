// See ctypes_libraries.h.
#include "extensions/ctypes_libraries.h"

#include <cstddef>
#include <memory>
#include <string>

#include "py/error.h"
#include "py/method.h"
#include "py/python.h"

namespace aiointerpreters::extensions {

namespace {

struct Opener {
  CopyOwner* owner;
  py::Ref open;  // the original function of `_ctypes`
};

void destroy_opener(PyObject* capsule) {
  std::unique_ptr<Opener>(static_cast<Opener*>(PyCapsule_GetPointer(capsule, nullptr))).reset();
}

// Empty: the library is opened by a name, so it belongs to the system. Errors: empty with an exception set.
std::string path_in(PyObject* name) {
  if (!PyUnicode_Check(name) && !PyBytes_Check(name)) return {};
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(name, static_cast<void*>(&encoded)) == 0) return {};
  const py::Ref bytes = py::Ref::steal(encoded);
  std::string path(PyBytes_AS_STRING(encoded), static_cast<std::size_t>(PyBytes_GET_SIZE(encoded)));
  return path.find('/') == std::string::npos ? std::string() : path;
}

// dlopen(name, mode=...)
PyObject* open(PyObject* capsule, PyObject* const* args, Py_ssize_t nargs) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Opener& opener = *static_cast<Opener*>(PyCapsule_GetPointer(capsule, nullptr));
    const std::string path = nargs > 0 ? path_in(args[0]) : std::string();
    if (PyErr_Occurred() != nullptr) return nullptr;
    std::string why;
    void* const handle = path.empty() ? nullptr : open_if_private(*opener.owner, path, why);
    if (!why.empty()) return PyErr_SetString(PyExc_OSError, why.c_str()), nullptr;
    if (handle == nullptr) {
      return PyObject_Vectorcall(opener.open.get(), args, static_cast<std::size_t>(nargs), nullptr);
    }
    if (PySys_Audit("ctypes.dlopen", "O", args[0]) < 0) return nullptr;
    return PyLong_FromVoidPtr(handle);
  });
}

PyMethodDef kOpen = {"dlopen", py::as_method(open), METH_FASTCALL, nullptr};

}  // namespace

bool open_libraries_privately(const py::Ref& ctypes, CopyOwner& owner) {
  auto made = std::make_unique<Opener>();
  made->owner = &owner;
  made->open = py::Ref::steal(PyObject_GetAttrString(ctypes.get(), kOpen.ml_name));
  const py::Ref capsule = made->open ? py::Ref::steal(PyCapsule_New(made.get(), nullptr, destroy_opener)) : py::Ref();
  if (!capsule) return false;
  static_cast<void>(made.release());
  const py::Ref function = py::Ref::steal(PyCFunction_New(&kOpen, capsule.get()));
  return function && PyObject_SetAttrString(ctypes.get(), kOpen.ml_name, function.get()) == 0;
}

}  // namespace aiointerpreters::extensions
