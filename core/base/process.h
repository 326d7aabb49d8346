// The number of this process. The child of a fork finds out by it that it is another process.
#pragma once

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace aiointerpreters::base {

#if defined(_WIN32)
inline int process_id() noexcept { return 0; }  // there is no fork
#else
inline int process_id() noexcept { return getpid(); }
#endif

}  // namespace aiointerpreters::base
