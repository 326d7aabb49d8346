// A shared library for the tests of ELF files. It counts, and has functions that need its segments in the right places.
#include <cstddef>
#include <stdexcept>

#define OFFERED extern "C" __attribute__((visibility("default")))

extern "C" {
// No object defines them in the tests. They are weak, so the library loads all the same.
__attribute__((weak)) void* PyList_New(std::ptrdiff_t);
__attribute__((weak)) void* _PyObject_New(void*);
__attribute__((weak)) extern int _Py_NoneStruct;
__attribute__((weak)) int Pressure();  // not Python's, but no harm: it only causes a needless copy
__attribute__((weak)) int pYramid();
}

namespace {
int count = 0;
thread_local int thread_count = 0;
unsigned char zeros[300000];  // in memory, not in the file, up to the very end of the library's segments
}  // namespace

// The number of calls.
OFFERED int sample_count() { return ++count; }

// The same, in each thread.
OFFERED int sample_thread_count() { return ++thread_count; }

// Returns how many of the library's zeros are not zero, and sets them all to ones.
OFFERED std::size_t sample_fill_zeros() {
  std::size_t others = 0;
  for (unsigned char& byte : zeros) {
    others += byte == 0 ? 0 : 1;
    byte = 0xff;
  }
  return others;
}

// Whether an exception is caught.
OFFERED bool sample_catches(int value) {
  try {
    if (value > 0) throw std::runtime_error("caught");
    return false;
  } catch (const std::runtime_error&) {
    return true;
  }
}

// How many functions of Python are there.
OFFERED int sample_python() {
  return (&PyList_New != nullptr ? 1 : 0) + (&_PyObject_New != nullptr ? 1 : 0) + (&_Py_NoneStruct != nullptr ? 1 : 0) +
         (&Pressure != nullptr ? 1 : 0) + (&pYramid != nullptr ? 1 : 0);
}
