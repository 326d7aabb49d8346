/* A module that counts in a library that uses Python, and in one that does not. */
#include <Python.h>

PyObject *count_in_library(void);
long count_without_python(void);

static PyObject *count(PyObject *module, PyObject *unused) { return count_in_library(); }

static PyObject *count_shared(PyObject *module, PyObject *unused) { return PyLong_FromLong(count_without_python()); }

static PyMethodDef methods[] = {{"count", count, METH_NOARGS, NULL}, {"count_shared", count_shared, METH_NOARGS, NULL}, {NULL}};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "with_library", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC INITIALIZE(void) { return PyModuleDef_Init(&definition); }
