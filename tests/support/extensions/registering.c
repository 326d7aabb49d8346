/* A single-phase module that adds itself to its interpreter's state. */
#include <Python.h>

static struct PyModuleDef definition;

static PyObject *is_registered(PyObject *module, PyObject *unused) {
  return PyBool_FromLong(PyState_FindModule(&definition) == module);
}

static PyMethodDef methods[] = {{"is_registered", is_registered, METH_NOARGS, NULL}, {NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "registering", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_registering(void) {
  PyObject *module = PyModule_Create(&definition);
  if (module != NULL && PyState_AddModule(module, &definition) < 0) Py_CLEAR(module);
  return module;
}
