// The one include of <Python.h>: every file above base/ that needs Python includes this header instead.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

static_assert(PY_VERSION_HEX >= 0x030D0000, "aiointerpreters needs CPython 3.13 or newer");
