/* A multi-phase module that does not support interpreters. While it is being executed, it first imports IMPORTED, if that is
   defined, and then creates another such module inside. */
#include <Python.h>

static long count = 0;

static PyObject *add(PyObject *module, PyObject *number) {
  count += PyLong_AsLong(number);
  return PyErr_Occurred() ? NULL : PyLong_FromLong(count);
}

static PyMethodDef methods[] = {{"add", add, METH_O, NULL}, {NULL}};

static PyModuleDef_Slot inner_slots[] = {{Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, {0, NULL}};

static struct PyModuleDef inner = {PyModuleDef_HEAD_INIT, .m_name = "inner", .m_slots = inner_slots};

static int execute(PyObject *module) {
#ifdef IMPORTED
  PyObject *imported = PyImport_ImportModule(IMPORTED);
  if (imported == NULL || PyModule_Add(module, "imported", imported) < 0) return -1;
#endif
  PyObject *spec = PyObject_GetAttrString(module, "__spec__");
  PyObject *made = spec == NULL ? NULL : PyModule_FromDefAndSpec(&inner, spec);
  Py_XDECREF(spec);
  return made == NULL ? -1 : PyModule_Add(module, "inner", made);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute},
                                   {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
                                   {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "two_phases", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_two_phases(void) { return PyModuleDef_Init(&definition); }
