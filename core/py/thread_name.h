// The name that `threading` knows the calling thread by, in an interpreter that has not started it,
// and that it is no daemon.
//
// `threading` with all that it imports is a seventh of what an interpreter takes, and most functions do without. So it is
// not imported for the name: a finder in sys.meta_path waits for whoever imports it first, then it is gone.
#pragma once

#include <string>

namespace aiointerpreters::py {

// From now on, or as soon as `threading` is there, the calling thread has that name in the interpreter that is attached, and
// is no daemon: threads that it starts inherit that.
// Runs Python. Errors: false with an exception set.
[[nodiscard]] bool name_thread(const std::string& name);

}  // namespace aiointerpreters::py
