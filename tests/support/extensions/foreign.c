/* Threads that Python has not created and that call Python, and pending calls. */
#include <Python.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  PyObject* callable;
  int wait_for;   /* a pipe's end: the thread enters when it is readable or its other end is closed; -1: at once */
  int forgets;    /* the thread does not call Release */
  int nested;     /* the thread enters again inside, attached and detached */
} Visit;

static void call(PyObject* callable) {
  PyObject* result = PyObject_CallNoArgs(callable);
  if (result == NULL) PyErr_WriteUnraisable(callable);
  Py_XDECREF(result);
}

static void* visit(void* argument) {
  Visit* visit = argument;
  char byte;
  if (visit->wait_for >= 0 && read(visit->wait_for, &byte, 1) < 0) return NULL;
  PyGILState_STATE state = PyGILState_Ensure();
  if (visit->nested) {
    PyGILState_STATE inner = PyGILState_Ensure();
    call(visit->callable);
    PyGILState_Release(inner);
    PyThreadState* own = PyGILState_GetThisThreadState();
    PyThreadState* saved = PyEval_SaveThread();
    inner = PyGILState_Ensure();
    if (PyThreadState_Get() == own && PyGILState_GetThisThreadState() == saved && PyGILState_Check()) call(visit->callable);
    PyGILState_Release(inner);
    PyEval_RestoreThread(saved);
  }
  call(visit->callable);
  Py_DECREF(visit->callable);
  if (visit->forgets) {
    PyEval_SaveThread();
  } else {
    PyGILState_Release(state);
  }
  PyMem_RawFree(visit);
  return NULL;
}

static int start(pthread_t* thread, PyObject* callable, int wait_for, int forgets, int nested) {
  Visit* made = PyMem_RawMalloc(sizeof(Visit));
  made->callable = Py_NewRef(callable);
  made->wait_for = wait_for;
  made->forgets = forgets;
  made->nested = nested;
  return pthread_create(thread, NULL, visit, made);
}

/* Calls it in a new thread, and waits for the end of the thread. */
static PyObject* call_in_thread(PyObject* module, PyObject* args) {
  PyObject* callable;
  int forgets = 0;
  int nested = 0;
  pthread_t thread;
  if (!PyArg_ParseTuple(args, "O|pp", &callable, &forgets, &nested)) return NULL;
  if (start(&thread, callable, -1, forgets, nested) != 0) return PyErr_NoMemory();
  Py_BEGIN_ALLOW_THREADS;
  pthread_join(thread, NULL);
  Py_END_ALLOW_THREADS;
  Py_RETURN_NONE;
}

static PyInterpreterState* own_interpreter; /* static, as in pybind11 */

static void* visit_with_own_state(void* callable) {
  PyThreadState* state = PyThreadState_New(own_interpreter);
  PyEval_AcquireThread(state);
  call(callable);
  Py_DECREF((PyObject*)callable);
  PyThreadState_Clear(state);
  PyThreadState_DeleteCurrent();
  return NULL;
}

/* Calls it in a thread that creates its own thread state, and waits for the end of the thread. */
static PyObject* call_with_own_state(PyObject* module, PyObject* callable) {
  pthread_t thread;
  own_interpreter = PyInterpreterState_Get();
  if (pthread_create(&thread, NULL, visit_with_own_state, Py_NewRef(callable)) != 0) return PyErr_NoMemory();
  Py_BEGIN_ALLOW_THREADS;
  pthread_join(thread, NULL);
  Py_END_ALLOW_THREADS;
  Py_RETURN_NONE;
}

/* The same without waiting. */
static PyObject* call_later_with_own_state(PyObject* module, PyObject* callable) {
  pthread_t thread;
  own_interpreter = PyInterpreterState_Get();
  if (pthread_create(&thread, NULL, visit_with_own_state, Py_NewRef(callable)) != 0) return PyErr_NoMemory();
  pthread_detach(thread);
  Py_RETURN_NONE;
}

/* Whether Python is initialized, and whether it is finalizing, as a digit. */
static char asked(void) { return (char)('0' + Py_IsInitialized() + 2 * Py_IsFinalizing()); }

static void* ask_late(void* files) {
  int* ends = files;
  char byte;
  while (read(ends[0], &byte, 1) == 1) {
    byte = asked();
    if (write(ends[1], &byte, 1) < 0) break;
  }
  free(files);
  return NULL;
}

/* A thread asks whenever the file is readable, and writes the answer. Returns the answer for the calling thread. */
static PyObject* ask_later(PyObject* module, PyObject* args) {
  int* files = malloc(2 * sizeof(int));
  pthread_t thread;
  if (!PyArg_ParseTuple(args, "ii", &files[0], &files[1])) return NULL;
  if (pthread_create(&thread, NULL, ask_late, files) != 0) return PyErr_NoMemory();
  pthread_detach(thread);
  return PyUnicode_FromFormat("%c", asked());
}

static void* visit_late(void* file) {
  char byte;
  if (read((int)(intptr_t)file, &byte, 1) < 0) return NULL;
  PyThreadState* state = PyThreadState_New(own_interpreter);
  PyThreadState_Delete(state);
  return NULL;
}

/* A thread creates its thread state when the file is readable. */
static PyObject* make_state_later(PyObject* module, PyObject* file) {
  pthread_t thread;
  own_interpreter = PyInterpreterState_Get();
  if (pthread_create(&thread, NULL, visit_late, (void*)(intptr_t)PyLong_AsLong(file)) != 0) return PyErr_NoMemory();
  pthread_detach(thread);
  Py_RETURN_NONE;
}

/* Calls it in a thread, without waiting. */
static PyObject* call_later(PyObject* module, PyObject* args) {
  PyObject* callable;
  int wait_for;
  pthread_t thread;
  if (!PyArg_ParseTuple(args, "Oi", &callable, &wait_for)) return NULL;
  if (start(&thread, callable, wait_for, 0, 0) != 0) return PyErr_NoMemory();
  pthread_detach(thread);
  Py_RETURN_NONE;
}

/* Enters on a thread that Python has created, attached and detached. Returns whether it had its own state each time. */
static PyObject* come_detached(PyObject* module, PyObject* unused) {
  PyThreadState* own = PyThreadState_Get();
  PyGILState_STATE attached = PyGILState_Ensure();
  int is_own = PyThreadState_Get() == own && attached == PyGILState_LOCKED;
  PyGILState_Release(attached);
  PyThreadState* saved = PyEval_SaveThread();
  int found = PyGILState_GetThisThreadState() == own && !PyGILState_Check();
  PyGILState_STATE detached = PyGILState_Ensure();
  is_own = is_own && found && PyThreadState_Get() == own && detached == PyGILState_UNLOCKED;
  PyGILState_Release(detached);
  PyEval_RestoreThread(saved);
  return PyBool_FromLong(is_own);
}

static int call_pending(void* callable) {
  call(callable);
  Py_DECREF((PyObject*)callable);
  return 0;
}

static PyObject* call_soon(PyObject* module, PyObject* callable) {
  return PyLong_FromLong(Py_AddPendingCall(call_pending, Py_NewRef(callable)));
}

static PyObject* interpreter(PyObject* module, PyObject* unused) {
  return PyLong_FromLongLong(PyInterpreterState_GetID(PyInterpreterState_Get()));
}

static PyObject* main_interpreter(PyObject* module, PyObject* unused) {
  return PyLong_FromLongLong(PyInterpreterState_GetID(PyInterpreterState_Main()));
}

static long long at_load = -1; /* the interpreter that a call from a constructor enters */

static void __attribute__((constructor)) construct(int argc, char** argv, char** environment) {
  PyGILState_STATE state = PyGILState_Ensure();
  PyThreadState* own = PyGILState_GetThisThreadState();
  if (own != NULL && argc > 0 && argv[0] != NULL && environment != NULL) {
    at_load = PyInterpreterState_GetID(PyThreadState_GetInterpreter(own));
  }
  PyGILState_Release(state);
}

static PyObject* constructed_in(PyObject* module, PyObject* unused) { return PyLong_FromLongLong(at_load); }

/* Functions that C calls when the process ends. */

static void say(const char* what) {
  if (write(STDOUT_FILENO, what, strlen(what)) < 0) _exit(9);
}
static void say_handler(void) { say("handler\n"); }

static void ensure_at_end(void) {
  PyGILState_STATE state = PyGILState_Ensure();
  say("ensured\n");
  PyGILState_Release(state);
}
static void make_state_at_end(void) {
  PyThreadState_Delete(PyThreadState_New(own_interpreter));
  say("made a state\n");
}

static void (*at_unload)(void);
static void __attribute__((destructor)) destruct(void) {
  if (at_unload != NULL) at_unload();
}

/* Makes C code enter when the process ends: from a handler or a destructor, with its own state or not. Handlers before and after report. */
static PyObject* come_at_exit(PyObject* module, PyObject* args) {
  int in_destructor;
  int has_own_state;
  if (!PyArg_ParseTuple(args, "pp", &in_destructor, &has_own_state)) return NULL;
  own_interpreter = PyInterpreterState_Get();
  void (*come)(void) = has_own_state ? make_state_at_end : ensure_at_end;
  atexit(say_handler);
  if (in_destructor) {
    at_unload = come;
  } else {
    atexit(come);
  }
  atexit(say_handler);
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"call_in_thread", call_in_thread, METH_VARARGS, NULL},
                                {"call_later", call_later, METH_VARARGS, NULL},
                                {"call_with_own_state", call_with_own_state, METH_O, NULL},
                                {"call_later_with_own_state", call_later_with_own_state, METH_O, NULL},
                                {"make_state_later", make_state_later, METH_O, NULL},
                                {"ask_later", ask_later, METH_VARARGS, NULL},
                                {"call_soon", call_soon, METH_O, NULL},
                                {"come_at_exit", come_at_exit, METH_VARARGS, NULL},
                                {"come_detached", come_detached, METH_NOARGS, NULL},
                                {"constructed_in", constructed_in, METH_NOARGS, NULL},
                                {"interpreter", interpreter, METH_NOARGS, NULL},
                                {"main_interpreter", main_interpreter, METH_NOARGS, NULL},
                                {NULL}};
static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "foreign", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit_foreign(void) { return PyModuleDef_Init(&definition); }
