/* An extension with a function that would replace the memory allocators of the process. It is never called. */
#include <Python.h>

static PyObject* replace(PyObject* module, PyObject* unused) {
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, NULL);
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"replace", replace, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "allocating", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit_allocating(void) { return PyModuleDef_Init(&definition); }
