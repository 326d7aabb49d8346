/* A module that exports its slots, and has no initialization function (PEP 793). */
#include <Python.h>

static long count = 0;

static PyObject *add(PyObject *module, PyObject *number) {
  count += PyLong_AsLong(number);
  return PyErr_Occurred() ? NULL : PyLong_FromLong(count);
}

static PyMethodDef methods[] = {{"add", add, METH_O, NULL}, {NULL}};

static int execute(PyObject *module) { return PyModule_AddIntConstant(module, "executed", 1); }

PyABIInfo_VAR(abi_info);

static PySlot slots[] = {PySlot_DATA(Py_mod_abi, &abi_info), PySlot_DATA(Py_mod_name, "exporting"),
                         PySlot_STATIC_DATA(Py_mod_methods, methods), PySlot_FUNC(Py_mod_exec, execute), PySlot_END};

PyMODEXPORT_FUNC PyModExport_exporting(void) { return slots; }
