/* A module that declares support for interpreters, but then refuses all except one, with an error of its own. */
#include <Python.h>

static int64_t first = -1;

static int execute(PyObject *module) {
  const int64_t mine = PyInterpreterState_GetID(PyInterpreterState_Get());
  if (first == -1) first = mine;
  if (mine == first) return 0;
  PyErr_SetString(PyExc_ImportError, "checking can only be loaded into one interpreter per process\nReinstall it.");
  return -1;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute},
                                   {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
                                   {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "checking", .m_slots = slots};

PyMODINIT_FUNC PyInit_checking(void) { return PyModuleDef_Init(&definition); }
