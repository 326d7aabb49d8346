// A module with static TLS memory (initial-exec model), of which glibc reserves little.
#include <Python.h>

static __thread char storage[8000] __attribute__((tls_model("initial-exec")));

static PyObject* add(PyObject* module, PyObject* number) {
  storage[0] += (char)PyLong_AsLong(number);
  return PyLong_FromLong(storage[0]);
}

static PyMethodDef methods[] = {{"add", add, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "with_thread_storage", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_with_thread_storage(void) { return PyModule_Create(&definition); }
