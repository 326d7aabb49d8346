// Included first when the machine's libstdc++, which is configured for glibc, is compiled with musl's C headers. libstdc++
// asks for glibc's version, uses a few of its names, and calls functions of glibc only. For type checks, never to be run.
#pragma once

#define __GLIBC_PREREQ(major, minor) 0
#define __locale_t locale_t

#include <bits/c++config.h>

#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK
#if !defined(__linux__)
#undef _GLIBCXX_HAVE_LINUX_FUTEX
#endif

enum : unsigned short {
  _ISupper = 1 << 0,
  _ISlower = 1 << 1,
  _ISalpha = 1 << 2,
  _ISdigit = 1 << 3,
  _ISxdigit = 1 << 4,
  _ISspace = 1 << 5,
  _ISprint = 1 << 6,
  _ISgraph = 1 << 7,
  _ISblank = 1 << 8,
  _IScntrl = 1 << 9,
  _ISpunct = 1 << 10,
  _ISalnum = 1 << 11,
};

#if defined(__APPLE__)
// Names that musl declares and macOS does not have.
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#pragma GCC poison sched_getcpu sched_getaffinity sched_setaffinity CPU_COUNT CPU_CLR CPU_ISSET gettid syscall secure_getenv
#endif
