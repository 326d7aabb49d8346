/* A module that takes a key for thread-specific data when it is loaded, as libraries inside a module may do. */
#include <Python.h>
#include <pthread.h>

static pthread_key_t key;

static PyObject *has_key(PyObject *module, PyObject *unused) {
  return PyBool_FromLong(pthread_setspecific(key, &key) == 0 && pthread_getspecific(key) == &key);
}

static PyMethodDef methods[] = {{"has_key", has_key, METH_NOARGS, NULL}, {NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "takes_keys", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_takes_keys(void) {
  if (pthread_key_create(&key, NULL) != 0) Py_FatalError("out of keys");
  return PyModule_Create(&definition);
}
