// A shared library that offers nothing and uses Python: its hash table is empty and says nothing of how many symbols there
// are.
extern "C" {
__attribute__((weak)) void* PyList_New(long);
__attribute__((weak)) void* PyTuple_New(long);
}

namespace {
__attribute__((used)) void* (*const kFunctions[])(long) = {&PyList_New, &PyTuple_New};
}  // namespace
