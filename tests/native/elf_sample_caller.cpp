// An object that calls an undefined function in every possible way. Tests bind it to a function (elf_bind_test.cpp).

#define OFFERED __attribute__((visibility("default")))

extern "C" {

int PySample_Call(long one, long other);
long PySample_Weak(void) __attribute__((weak));

int (*sample_in_data)(long, long) = PySample_Call;

OFFERED int sample_call(long one, long other) { return PySample_Call(one, other); }
OFFERED int sample_call_by_data(long one, long other) { return sample_in_data(one, other); }
OFFERED long sample_call_weak() { return PySample_Weak != nullptr ? PySample_Weak() : -5; }

}  // extern "C"

namespace {

const int kAtLoad = PySample_Call(1, 2);

}  // namespace

extern "C" OFFERED int sample_at_load() { return kAtLoad; }
