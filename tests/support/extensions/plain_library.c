/* A library that does not use Python, so the process has only one. */
static long count = 0;

long count_without_python(void) { return __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST); }
