// A shared library that exports nothing and uses Python. Its hash table is empty, so it does not tell how many symbols there
// are.
extern "C" {
__attribute__((weak)) void* PyList_New(long);
__attribute__((weak)) void* PyTuple_New(long);
}

namespace {
__attribute__((used)) void* (*const kFunctions[])(long) = {&PyList_New, &PyTuple_New};
}  // namespace
