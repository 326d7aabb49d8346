// Asking the kernel for large pages behind memory that is about to be written for the first time: one page fault for 2 MiB
// instead of 512, which is most of what copying into fresh memory costs. NumPy does the same for its arrays.
// Thread: any.
#pragma once

#include <cstddef>

namespace aiointerpreters::base {

// A hint; does nothing for small memory, and where there is no such thing. The memory is not touched.
void advise_huge_pages(void* memory, std::size_t size) noexcept;

}  // namespace aiointerpreters::base
