// A shared object that needs the library of elf_sample_library.cpp and looks like an extension module. It exports a name
// that ends with the library's name: linkers store both as one string.

#define OFFERED extern "C" __attribute__((visibility("default")))

extern "C" {
int sample_count();
__attribute__((weak)) void* PyModuleDef_Init(void*);
__attribute__((weak)) int pthread_key_create(unsigned*, void (*)(void*));
}

namespace {
thread_local int thread_count __attribute__((tls_model("initial-exec"))) = 0;
}  // namespace

template <typename Type>
struct __attribute__((visibility("default"))) Shared {
  static int count;
};
template <typename Type>
int Shared<Type>::count = 0;

OFFERED int PyInit_sample() { return sample_count(); }
OFFERED int PyInitU_sample() { return ++thread_count; }
OFFERED int PyModExport_sample() { return ++Shared<int>::count; }
OFFERED int other() { return &PyModuleDef_Init != nullptr ? 1 : 0; }
OFFERED int takes_key(unsigned* key) { return pthread_key_create(key, nullptr); }
OFFERED int name_that_ends_alike() asm("not_libelf_sample.so.1");
int name_that_ends_alike() { return 1234; }
