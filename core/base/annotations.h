// Clang's thread-safety annotations, void for other compilers; `make thread-safety` checks them:
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#if defined(__clang__)
#define AIOI_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define AIOI_THREAD_ANNOTATION(x)
#endif

#define AIOI_CAPABILITY(name) AIOI_THREAD_ANNOTATION(capability(name))
#define AIOI_SCOPED_CAPABILITY AIOI_THREAD_ANNOTATION(scoped_lockable)
#define AIOI_GUARDED_BY(mutex) AIOI_THREAD_ANNOTATION(guarded_by(mutex))
#define AIOI_REQUIRES(...) AIOI_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define AIOI_EXCLUDES(...) AIOI_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define AIOI_ACQUIRE(...) AIOI_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define AIOI_RELEASE(...) AIOI_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
// A function that the analysis cannot follow, with the reason.
#define AIOI_UNCHECKED(reason) AIOI_THREAD_ANNOTATION(no_thread_safety_analysis)
