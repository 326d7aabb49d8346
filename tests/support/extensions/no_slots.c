/* A multi-phase module with nothing to execute, so without slots. */
#include <Python.h>

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "no_slots"};

PyMODINIT_FUNC PyInit_no_slots(void) { return PyModuleDef_Init(&definition); }
