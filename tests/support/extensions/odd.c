/* A module whose initialization does something forbidden. KIND selects what. */
#include <Python.h>

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "odd", .m_size = -1};

PyMODINIT_FUNC PyInit_odd(void) {
  switch (KIND) {
    case 1: return NULL;
    case 2: return PyLong_FromLong(1);
    case 3: PyErr_SetString(PyExc_ValueError, "left behind"); return PyModule_Create(&definition);
    default: return PyErr_Format(PyExc_ImportError, "it never works");
  }
}
