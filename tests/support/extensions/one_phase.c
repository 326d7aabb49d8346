/* A single-phase module that counts in static memory, has a static type, and finds itself in its interpreter's state. */
#include <Python.h>

static long count = 0;

static PyTypeObject thing_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "one_phase.Thing",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
};

static struct PyModuleDef definition;

static PyObject *add(PyObject *module, PyObject *number) {
  count += PyLong_AsLong(number);
  return PyErr_Occurred() ? NULL : PyLong_FromLong(count);
}

static PyObject *is_registered(PyObject *module, PyObject *unused) {
  return PyBool_FromLong(PyState_FindModule(&definition) == module);
}

static PyMethodDef methods[] = {{"add", add, METH_O, NULL}, {"is_registered", is_registered, METH_NOARGS, NULL}, {NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "one_phase", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_one_phase(void) {
  PyObject *module;
  if (PyType_Ready(&thing_type) < 0 || (module = PyModule_Create(&definition)) == NULL) return NULL;
  if (PyModule_AddObjectRef(module, "Thing", (PyObject *)&thing_type) < 0) Py_CLEAR(module);
  return module;
}
