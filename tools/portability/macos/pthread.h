// macOS's pthread.h differs from musl's in one function that the engine calls: a thread names only itself.
#pragma once
#define pthread_setname_np pthread_setname_np_of_musl
#include_next <pthread.h>
#undef pthread_setname_np

extern "C" int pthread_setname_np(const char* name);
