// See import_hook.h.
#include "extensions/import_hook.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "extensions/private_library.h"
#include "extensions/private_module.h"
#include "py/error.h"
#include "py/method.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::extensions {

namespace {

// What CPython's own check of extension modules does in an interpreter (`_imp._override_multi_interp_extensions_check`).
enum Check : int { kOff = -1, kAsConfigured = 0 };

// An interpreter's.
struct Hook {
  std::shared_ptr<CopyStore> copies;
  unsigned number = 0;  // which copies are this interpreter's: no other one of this process gets them
  py::Ref create;       // `_imp`'s own
  py::Ref execute;
  py::Ref override_check;
  py::Ref standard_names;  // sys.stdlib_module_names
  std::map<std::pair<std::string, std::string>, py::Ref>
      complete;  // modules of one phase, by path and name: an object makes its only once
};

// The check is as it says, for a scope. It is the interpreter's, not the thread's; what another thread imports meanwhile comes here
// too, and sets it again.
class CheckScope {
 public:
  CheckScope(const Hook& hook, Check check) : hook_(hook), before_(set(check)) {}
  CheckScope(const CheckScope&) = delete;
  CheckScope& operator=(const CheckScope&) = delete;
  ~CheckScope() {
    py::Ref error = py::take_exception();
    static_cast<void>(set(before_));
    py::restore_exception(std::move(error));
  }

 private:
  // Returns what it was before.
  int set(int check) const noexcept {
    const py::Ref before = py::Ref::steal(PyObject_CallFunction(hook_.override_check.get(), "i", check));
    if (before) return static_cast<int>(PyLong_AsLong(before.get()));
    PyErr_Clear();
    return kAsConfigured;
  }

  const Hook& hook_;
  const int before_;
};

void destroy_hook(PyObject* capsule) {
  std::unique_ptr<Hook>(static_cast<Hook*>(PyCapsule_GetPointer(capsule, nullptr))).reset();
}

// Whether this is a module of the standard library, which nobody else may give a module a name of. -1: an exception is set.
int is_standard(const Hook& hook, PyObject* name) {
  const py::Ref dot = py::Ref::steal(PyUnicode_FromString("."));
  const py::Ref parts = dot ? py::Ref::steal(PyUnicode_Partition(name, dot.get())) : py::Ref();
  return parts ? PySet_Contains(hook.standard_names.get(), PyTuple_GET_ITEM(parts.get(), 0)) : -1;
}

// `spec.name`, or another attribute that is a str. Null with an exception set.
py::Ref text_of(PyObject* spec, const char* attribute) {
  py::Ref text = py::Ref::steal(PyObject_GetAttrString(spec, attribute));
  if (text && !PyUnicode_Check(text.get())) {
    PyErr_Format(PyExc_TypeError, "spec.%s must be a str, not %T", attribute, text.get());
    return {};
  }
  return text;
}

py::Ref import_copy(Hook& hook, const py::Ref& spec, const py::Ref& name) {
  const py::Ref origin = text_of(spec.get(), "origin");
  const py::Ref encoded = origin ? py::Ref::steal(PyUnicode_EncodeFSDefault(origin.get())) : py::Ref();
  const char* const text = encoded ? PyUnicode_AsUTF8(name.get()) : nullptr;
  if (text == nullptr) return {};
  const std::string path(PyBytes_AS_STRING(encoded.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(encoded.get())));
  if (const auto known = hook.complete.find({path, text}); known != hook.complete.end()) {
    return py::Ref::borrow(known->second.get());
  }
  std::string why;
  void* const handle = open_private_library(*hook.copies, path, hook.number, why);
  if (handle == nullptr) {
    const py::Ref message = py::Ref::steal(PyUnicode_DecodeFSDefault(why.c_str()));
    if (message) PyErr_SetImportError(message.get(), name.get(), origin.get());
    return {};
  }
  const CheckScope check(hook, kOff);
  py::Ref module = make_module(handle, spec, name, path);
  if (module && is_complete(module))
    hook.complete.emplace(std::pair(path, std::string(text)), py::Ref::borrow(module.get()));
  return module;
}

PyObject* create_dynamic(PyObject* capsule, PyObject* const* args, Py_ssize_t nargs) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Hook& hook = *static_cast<Hook*>(PyCapsule_GetPointer(capsule, nullptr));
    if (nargs < 1) return PyErr_Format(PyExc_TypeError, "create_dynamic() takes a spec"), nullptr;
    const py::Ref spec = py::Ref::borrow(args[0]);
    const py::Ref name = text_of(spec.get(), "name");
    const int standard = name ? is_standard(hook, name.get()) : -1;
    if (standard < 0) return nullptr;
    if (standard == 0) return import_copy(hook, spec, name).release();
    const CheckScope check(hook, kAsConfigured);
    return PyObject_Vectorcall(hook.create.get(), args, static_cast<std::size_t>(nargs), nullptr);
  });
}

PyObject* exec_dynamic(PyObject* capsule, PyObject* module) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Hook& hook = *static_cast<Hook*>(PyCapsule_GetPointer(capsule, nullptr));
    const py::Ref name = py::Ref::steal(PyObject_GetAttrString(module, "__name__"));
    const int standard = name && PyUnicode_Check(name.get()) ? is_standard(hook, name.get()) : -1;
    if (standard < 0 && PyErr_Occurred() != nullptr) return nullptr;
    const CheckScope check(hook, standard == 0 ? kOff : kAsConfigured);
    if (standard != 0) return PyObject_CallOneArg(hook.execute.get(), module);
    if (!execute_module(module)) return nullptr;
    return PyLong_FromLong(0);
  });
}

PyMethodDef kCreate = {"create_dynamic", py::as_method(create_dynamic), METH_FASTCALL, nullptr};
PyMethodDef kExecute = {"exec_dynamic", exec_dynamic, METH_O, nullptr};

}  // namespace

bool import_private_copies(std::shared_ptr<CopyStore> copies) {
  static std::atomic<unsigned> interpreters{0};
  const py::Ref imp = py::Ref::steal(PyImport_ImportModule("_imp"));
  auto made = std::make_unique<Hook>();
  if (!imp) return false;
  made->create = py::Ref::steal(PyObject_GetAttrString(imp.get(), "create_dynamic"));
  made->execute = py::Ref::steal(PyObject_GetAttrString(imp.get(), "exec_dynamic"));
  made->override_check = py::Ref::steal(PyObject_GetAttrString(imp.get(), "_override_multi_interp_extensions_check"));
  made->standard_names = py::Ref::borrow(PySys_GetObject("stdlib_module_names"));
  if (!made->create || !made->execute || !made->override_check || !made->standard_names) return false;
  made->copies = std::move(copies);
  made->number = interpreters.fetch_add(1, std::memory_order_relaxed);
  const py::Ref capsule = py::Ref::steal(PyCapsule_New(made.get(), nullptr, destroy_hook));
  if (!capsule) return false;
  static_cast<void>(made.release());
  const py::Ref create = py::Ref::steal(PyCFunction_New(&kCreate, capsule.get()));
  const py::Ref execute = py::Ref::steal(PyCFunction_New(&kExecute, capsule.get()));
  return create && execute && PyObject_SetAttrString(imp.get(), "create_dynamic", create.get()) == 0 &&
         PyObject_SetAttrString(imp.get(), "exec_dynamic", execute.get()) == 0;
}

}  // namespace aiointerpreters::extensions
