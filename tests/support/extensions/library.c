/* A library that uses Python. */
#include <Python.h>

static long count = 0;

PyObject *count_in_library(void) { return PyLong_FromLong(++count); }
