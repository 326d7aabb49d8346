// The limit on the memory mappings of a process (vm.max_map_count on Linux). Each loaded object takes several, and copies
// are never unloaded. At the limit any allocation may fail, and the system reports only "Cannot allocate memory". CPython
// 3.15 ends the process if it cannot give memory back (Objects/obmalloc.c, _PyMem_ArenaFree). So copies are refused before
// the limit is reached.
// Thread: any.
#pragma once

#include <string>

namespace aiointerpreters::extensions {

// Whether an object can be loaded, with some mappings left for other users. To find out, creates this many mappings for a
// moment.
[[nodiscard]] bool has_room_for_mappings() noexcept;

// A text to add to an error if this process is close to the limit. Empty if it is not, or if the numbers are unknown.
// Reads all mappings. Errors: std::bad_alloc.
[[nodiscard]] std::string hint_of_mapping_limit();

}  // namespace aiointerpreters::extensions
