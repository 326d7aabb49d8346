/* A module with any name: NAME. INITIALIZE is its initialization function. */
#include <Python.h>

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = NAME, .m_slots = slots};

PyMODINIT_FUNC INITIALIZE(void) { return PyModuleDef_Init(&definition); }
