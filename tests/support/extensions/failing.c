/* A module whose initialization fails, the first time. */
#include <Python.h>

static int attempts = 0;

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "failing", .m_size = -1};

PyMODINIT_FUNC PyInit_failing(void) {
  if (++attempts == 1) return PyErr_Format(PyExc_ValueError, "not yet");
  return PyModule_Create(&definition);
}
