/* A module that imports another one, IMPORTED, while it is being executed, and counts how often its execution has begun. */
#include <Python.h>

static long begun = 0;

static int execute(PyObject *module) {
  if (PyModule_AddIntConstant(module, "begun", ++begun) < 0) return -1;
  PyObject *imported = PyImport_ImportModule(IMPORTED);
  return imported == NULL ? -1 : PyModule_Add(module, "imported", imported);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "importing", .m_slots = slots};

PyMODINIT_FUNC PyInit_importing(void) { return PyModuleDef_Init(&definition); }
