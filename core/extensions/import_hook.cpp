// See import_hook.h.
#include "extensions/import_hook.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "extensions/ctypes_libraries.h"
#include "extensions/private_library.h"
#include "extensions/private_module.h"
#include "extensions/standard_module.h"
#include "py/error.h"
#include "py/method.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::extensions {

namespace {

// The setting of CPython's own check of extension modules (`_imp._override_multi_interp_extensions_check`).
enum Check : int { kOff = -1, kAsConfigured = 0 };

// The hook of one interpreter.
struct Hook {
  CopyOwner owner;
  std::function<void(const char*, PyObject*)> made;
  py::Ref create;  // the original function of `_imp`, as the next two
  py::Ref create_builtin;
  py::Ref execute;
  py::Ref override_check;
  py::Ref standard_names;  // sys.stdlib_module_names
  std::map<std::pair<std::string, std::string>, py::Ref>
      complete;  // single-phase modules, by path and name: an object creates its module only once
};

// Returns false with an exception set.
bool set_check(const Hook& hook, Check check) {
  return static_cast<bool>(py::Ref::steal(PyObject_CallFunction(hook.override_check.get(), "i", check)));
}

// Within this scope CPython checks extension modules as the interpreter is configured. Outside of it the check is off in
// this interpreter, because copies may import anything. The check is also off for other threads while a copy is executed.
// So the scope covers only the moment in which CPython creates a module of its own. No Python code runs then.
class CheckedScope {
 public:
  CheckedScope(const Hook& hook, bool wanted) : hook_(hook), wanted_(wanted) {
    if (wanted_ && !set_check(hook_, kAsConfigured)) PyErr_Clear();
  }
  CheckedScope(const CheckedScope&) = delete;
  CheckedScope& operator=(const CheckedScope&) = delete;
  ~CheckedScope() {
    if (!wanted_) return;
    py::Ref error = py::take_exception();
    if (!set_check(hook_, kOff)) PyErr_Clear();
    py::restore_exception(std::move(error));
  }

 private:
  const Hook& hook_;
  const bool wanted_;
};

void destroy_hook(PyObject* capsule) {
  std::unique_ptr<Hook>(static_cast<Hook*>(PyCapsule_GetPointer(capsule, nullptr))).reset();
}

// Whether this is a module of the standard library. Other packages may not use such names. -1: an exception is set.
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
  void* const handle = open_private_library(hook.owner, text, path, why);
  if (handle == nullptr) {
    const py::Ref message = py::Ref::steal(PyUnicode_DecodeFSDefault(why.c_str()));
    if (message) PyErr_SetImportError(message.get(), name.get(), origin.get());
    return {};
  }
  auto [module, is_complete] = make_module(handle, spec, name, path);
  if (is_complete) hook.complete.emplace(std::pair(path, std::string(text)), py::Ref::borrow(module.get()));
  return std::move(module);
}

// Imports a module of the standard library. `create` is the function of `_imp` for its kind. The first of its `args` is the
// spec.
py::Ref import_standard(Hook& hook, const py::Ref& create, const py::Ref& name, std::span<PyObject* const> args) {
  const char* const text = PyUnicode_AsUTF8(name.get());
  if (text == nullptr) return {};
  const StandardModule* const standard = find_standard_module(text);
  const bool has_file = create.get() == hook.create.get();
  using Way = StandardModule::Way;
  py::Ref module;
  if (standard != nullptr && standard->way == Way::kReplaced) {
    module = make_replaced_module(name);
  } else if (standard != nullptr && standard->way == Way::kPrivateCopy && has_file) {
    module = import_copy(hook, py::Ref::borrow(args[0]), name);
  } else {
    const CheckedScope checked(hook, standard == nullptr || standard->way != Way::kUnchecked);
    module = py::Ref::steal(PyObject_Vectorcall(create.get(), args.data(), args.size(), nullptr));
  }
  if (module && standard != nullptr && !replace_functions(*standard, module)) return {};
  if (module && standard != nullptr && standard->opens_libraries && !open_libraries_privately(module, hook.owner)) return {};
  return module;
}

PyObject* create_dynamic(PyObject* capsule, PyObject* const* args, Py_ssize_t nargs) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Hook& hook = *static_cast<Hook*>(PyCapsule_GetPointer(capsule, nullptr));
    if (nargs < 1)
      return PyErr_Format(PyExc_TypeError, "create_dynamic() missing 1 required positional argument: 'spec'"), nullptr;
    const py::Ref spec = py::Ref::borrow(args[0]);
    const py::Ref name = text_of(spec.get(), "name");
    const int standard = name ? is_standard(hook, name.get()) : -1;
    if (standard < 0) return nullptr;
    if (standard == 0) return import_copy(hook, spec, name).release();
    return import_standard(hook, hook.create, name, {args, static_cast<std::size_t>(nargs)}).release();
  });
}

PyObject* create_builtin(PyObject* capsule, PyObject* spec) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Hook& hook = *static_cast<Hook*>(PyCapsule_GetPointer(capsule, nullptr));
    const py::Ref name = text_of(spec, "name");
    return name ? import_standard(hook, hook.create_builtin, name, {&spec, 1}).release() : nullptr;
  });
}

PyObject* exec_dynamic(PyObject* capsule, PyObject* module) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const Hook& hook = *static_cast<Hook*>(PyCapsule_GetPointer(capsule, nullptr));
    const py::Ref name = py::Ref::steal(PyObject_GetAttrString(module, "__name__"));
    const int standard = name && PyUnicode_Check(name.get()) ? is_standard(hook, name.get()) : 1;
    if (standard < 0) return nullptr;
    if (standard != 0) return PyObject_CallOneArg(hook.execute.get(), module);
    const char* const text = PyUnicode_AsUTF8(name.get());
    if (text == nullptr || !execute_module(module)) return nullptr;
    hook.made(text, module);
    return PyLong_FromLong(0);
  });
}

PyMethodDef kCreate = {"create_dynamic", py::as_method(create_dynamic), METH_FASTCALL, nullptr};
PyMethodDef kCreateBuiltin = {"create_builtin", create_builtin, METH_O, nullptr};
PyMethodDef kExecute = {"exec_dynamic", exec_dynamic, METH_O, nullptr};

}  // namespace

bool import_private_copies(std::shared_ptr<CopyStore> copies, std::shared_ptr<py::ForeignThreads> threads,
                           std::function<void(const char*, PyObject*)> made_module) {
  static std::atomic<unsigned> interpreters{0};
  const py::Ref imp = py::Ref::steal(PyImport_ImportModule("_imp"));
  if (!imp) return false;
  auto made = std::make_unique<Hook>();
  made->made = std::move(made_module);
  made->owner.copies = std::move(copies);
  made->owner.threads = std::move(threads);
  // relaxed: only the numbers have to differ.
  made->owner.number = interpreters.fetch_add(1, std::memory_order_relaxed);
  made->create = py::Ref::steal(PyObject_GetAttrString(imp.get(), "create_dynamic"));
  made->create_builtin = py::Ref::steal(PyObject_GetAttrString(imp.get(), "create_builtin"));
  made->execute = py::Ref::steal(PyObject_GetAttrString(imp.get(), "exec_dynamic"));
  made->override_check = py::Ref::steal(PyObject_GetAttrString(imp.get(), "_override_multi_interp_extensions_check"));
  made->standard_names = py::Ref::borrow(PySys_GetObject("stdlib_module_names"));
  if (!made->create || !made->create_builtin || !made->execute || !made->override_check || !made->standard_names) {
    return false;
  }
  if (!set_check(*made, kOff)) return false;
  const py::Ref capsule = py::Ref::steal(PyCapsule_New(made.get(), nullptr, destroy_hook));
  if (!capsule) return false;
  static_cast<void>(made.release());
  for (PyMethodDef* const method : {&kCreate, &kCreateBuiltin, &kExecute}) {
    const py::Ref function = py::Ref::steal(PyCFunction_New(method, capsule.get()));
    if (!function || PyObject_SetAttrString(imp.get(), method->ml_name, function.get()) < 0) return false;
  }
  return true;
}

}  // namespace aiointerpreters::extensions
