// Notices that a worker imports a module of the standard library through which it says something, such as `logging`.
//
// A finder in front of `sys.meta_path` lets all imports pass. When one of these modules is imported, it imports
// `_words_worker`, which changes the module when that is complete. So a worker that never imports them pays a comparison for
// each import, and no memory.
#pragma once

namespace aiointerpreters::pool {

// Requires: attached to a worker's interpreter whose runtime has a relay. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool watch_imports();
// Replaces sys.stdout and sys.stderr by streams to home. Requirements and errors: the same.
[[nodiscard]] bool forward_output();

}  // namespace aiointerpreters::pool
