// See process_end.h.
#include "base/process_end.h"

#include <cstdlib>

namespace aiointerpreters::base {

namespace {

struct Exit {
  bool has_begun = false;
  int status = 0;
};

Exit& exit_of_thread() noexcept {
  static thread_local constinit Exit of_thread;
  return of_thread;
}

}  // namespace

void watch_for_exit() noexcept {
#if defined(__GLIBC__)
  static_cast<void>(on_exit([](int status, void*) { exit_of_thread() = {true, status}; }, nullptr));
#endif
}

bool runs_exit_handlers() noexcept { return exit_of_thread().has_begun; }

// In glibc, a handler that calls exit(3) runs the handlers that have not run yet.
void go_on_with_exit() { std::exit(exit_of_thread().status); }

}  // namespace aiointerpreters::base
