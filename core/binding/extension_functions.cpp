// See extension_functions.h.
#include "binding/extension_functions.h"

#include <string>
#include <string_view>

#include "binding/module_state.h"
#include "extensions/declared_support.h"
#include "extensions/refused_imports.h"
#include "extensions/unsound.h"
#include "py/error.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

namespace {

PyDoc_STRVAR(declared_refusal_doc,
             "declared_refusal($module, imported, path, /)\n--\n\n"
             "Return why an extension module refuses workers, as its definition declares. No code of the module runs.\n\n"
             "Args:\n"
             "    imported: The module object, in the interpreter that has imported it.\n"
             "    path: The file of the module, a str.\n\n"
             "Returns:\n"
             "    A clause, a str. None if it supports workers, or has no definition that can be read.");

PyObject* declared_refusal(PyObject*, PyObject* args) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    PyObject* imported;
    py::Ref path;
    if (PyArg_ParseTuple(args, "O!O&", &PyModule_Type, &imported, PyUnicode_FSConverter, path.out()) == 0) return nullptr;
    const extensions::Support support = extensions::declared_support(imported, PyBytes_AS_STRING(path.get()));
    if (support == extensions::Support::kOwnGil || support == extensions::Support::kUnknown) Py_RETURN_NONE;
    return PyUnicode_FromString(extensions::reason_text(support));
  });
}

PyDoc_STRVAR(refused_module_doc,
             "refused_module($module, text, /)\n--\n\n"
             "Read the text with which CPython refuses an extension module in a subinterpreter.\n\n"
             "Returns:\n"
             "    A tuple of the name of the module and a clause that says why. None if this is another text.");

PyObject* refused_module(PyObject*, PyObject* text) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    Py_ssize_t size;
    const char* const utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8 == nullptr) return nullptr;
    const std::string_view name = extensions::refused_module({utf8, static_cast<std::size_t>(size)});
    if (name.empty()) Py_RETURN_NONE;
    return Py_BuildValue("(s#s)", name.data(), static_cast<Py_ssize_t>(name.size()),
                         extensions::reason_text(extensions::Support::kUnknown));
  });
}

PyDoc_STRVAR(known_obstacle_doc,
             "known_obstacle($module, name, path, /)\n--\n\n"
             "Return the reason why an extension module cannot work as a private copy, or None if none is known.\n\n"
             "Args:\n"
             "    name: The name of the module, a str.\n"
             "    path: The file of the module, a str. Its symbols are read; it is not loaded.");

PyObject* known_obstacle(PyObject*, PyObject* args) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    const char* name;
    py::Ref path;
    if (PyArg_ParseTuple(args, "sO&", &name, PyUnicode_FSConverter, path.out()) == 0) return nullptr;
    const char* const reason = extensions::reason_against(name, PyBytes_AS_STRING(path.get()));
    return reason != nullptr ? PyUnicode_FromString(reason) : Py_NewRef(Py_None);
  });
}

PyDoc_STRVAR(
    refused_imports_doc,
    "refused_imports($module, /)\n--\n\n"
    "Return the extension modules that have refused this interpreter, in the order of their latest imports.\n\n"
    "Returns:\n"
    "    A list of tuples (module, chain, text, reason): the name of the module; the names of the modules that were\n"
    "    being imported, outermost first, as a tuple; the text of the exception; why it refuses, a clause.");

PyObject* refused_imports(PyObject* module, PyObject*) {
  return py::guarded<PyObject*>(nullptr, [&]() -> PyObject* {
    py::Ref refused = py::Ref::steal(PyList_New(0));
    const auto& known = state_of(module).runtime.refused_imports;
    if (!refused || !known) return refused.release();
    for (const extensions::RefusedImport& one : known->all()) {
      const py::Ref chain = py::Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(one.chain.size())));
      for (std::size_t i = 0; chain && i < one.chain.size(); ++i) {
        PyObject* const name = PyUnicode_FromString(one.chain[i].c_str());
        if (name == nullptr) return nullptr;
        PyTuple_SET_ITEM(chain.get(), static_cast<Py_ssize_t>(i), name);
      }
      const py::Ref entry = chain ? py::Ref::steal(Py_BuildValue("(sOss)", one.module.c_str(), chain.get(), one.text.c_str(),
                                                                 extensions::reason_text(one).c_str()))
                                  : py::Ref();
      if (!entry || PyList_Append(refused.get(), entry.get()) < 0) return nullptr;
    }
    return refused.release();
  });
}

PyMethodDef kExtensionFunctions[] = {
    {"declared_refusal", declared_refusal, METH_VARARGS, declared_refusal_doc},
    {"known_obstacle", known_obstacle, METH_VARARGS, known_obstacle_doc},
    {"refused_module", refused_module, METH_O, refused_module_doc},
    {"refused_imports", refused_imports, METH_NOARGS, refused_imports_doc},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_extension_functions(PyObject* module) { return PyModule_AddFunctions(module, kExtensionFunctions) == 0; }

}  // namespace aiointerpreters::binding
