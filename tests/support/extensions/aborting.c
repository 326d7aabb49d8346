/* A module with a function that ends the process, like a crash. */
#include <Python.h>
#include <stdlib.h>

static PyObject *end_process(PyObject *module, PyObject *unused) {
  abort();
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"end_process", end_process, METH_NOARGS, NULL}, {NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "aborting", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_aborting(void) { return PyModule_Create(&definition); }
