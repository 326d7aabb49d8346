/* A module that declares support for interpreters, but only works in the main interpreter. KIND says what happens in the
   others: it aborts, ends the process, or never ends. */
#include <Python.h>
#include <stdlib.h>
#include <unistd.h>

static int execute(PyObject *module) {
  if (PyInterpreterState_GetID(PyInterpreterState_Get()) == 0) return 0;
  switch (KIND) {
    case 1: abort();
    case 2: _exit(3);
    default:
      for (;;) pause();
  }
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute},
                                   {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
                                   {0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "differing", .m_slots = slots};

PyMODINIT_FUNC PyInit_differing(void) { return PyModuleDef_Init(&definition); }
