/* A module that supports only interpreters that share the main interpreter's GIL. */
#include <Python.h>

static PyModuleDef_Slot slots[] = {{Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED}, {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "sharing", .m_slots = slots};

PyMODINIT_FUNC PyInit_sharing(void) { return PyModuleDef_Init(&definition); }
