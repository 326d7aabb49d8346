// Gives the calling thread its name in the `threading` of an interpreter that has not started the thread. Also marks it as
// not a daemon.
//
// `threading` and its imports take a seventh of an interpreter's memory, and most functions do not need it. So it is not
// imported for the name. Instead, a finder in sys.meta_path waits for the first import of it, and then removes itself.
#pragma once

#include <string>

namespace aiointerpreters::py {

// From now on, or as soon as `threading` is imported, the calling thread has that name in the attached interpreter and is
// not a daemon. Threads that it starts inherit that.
// Runs Python. Errors: false with an exception set.
[[nodiscard]] bool name_thread(const std::string& name);

}  // namespace aiointerpreters::py
