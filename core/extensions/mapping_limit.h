// How many mappings of memory a process may have (vm.max_map_count on Linux): each loaded object takes several, and copies are never
// unloaded. At the limit whatever needs memory may fail, and the system only says "Cannot allocate memory".
// Thread: any.
#pragma once

#include <string>

namespace aiointerpreters::extensions {

// What to add to an error, if this process is about to have as many as it may have; empty if it is not, or nobody knows. Reads all
// mappings. Errors: std::bad_alloc.
[[nodiscard]] std::string hint_of_mapping_limit();

}  // namespace aiointerpreters::extensions
