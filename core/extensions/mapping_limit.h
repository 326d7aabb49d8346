// How many mappings of memory a process may have (vm.max_map_count on Linux): each loaded object takes several, and copies
// are never unloaded. At the limit whatever needs memory may fail, and the system only says "Cannot allocate memory".
// CPython 3.15 ends the process where it cannot even give memory back (Objects/obmalloc.c, _PyMem_ArenaFree).
// So copies are refused before that.
// Thread: any.
#pragma once

#include <string>

namespace aiointerpreters::extensions {

// Whether an object can be loaded and others still have some mappings left. Makes that many for a moment.
[[nodiscard]] bool has_room_for_mappings() noexcept;

// What to add to an error, if this process is about to have as many as it may have; empty if it is not, or nobody knows.
// Reads all mappings. Errors: std::bad_alloc.
[[nodiscard]] std::string hint_of_mapping_limit();

}  // namespace aiointerpreters::extensions
