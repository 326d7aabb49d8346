// See coverage.h. The compiler inserts a call of __sanitizer_cov_trace_pc into each basic block of the code that it compiles
// with -fsanitize-coverage=trace-pc.
#include "coverage.h"

#include <array>
#include <cstdint>

namespace aiointerpreters::fuzz {

namespace {

std::array<bool, std::size_t{1} << 18> seen;  // by a hash of the last kLength blocks
constexpr unsigned kLength = 8;
std::size_t seen_count = 0;
std::uint64_t path = 0;

}  // namespace

std::size_t paths_seen() noexcept { return seen_count; }

}  // namespace aiointerpreters::fuzz

extern "C" void __sanitizer_cov_trace_pc();
void __sanitizer_cov_trace_pc() {
  using namespace aiointerpreters::fuzz;
  // Relative to an address in this library, so it is the same in each process.
  const auto here = reinterpret_cast<std::uintptr_t>(&paths_seen);
  const std::uint64_t block = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) - here;
  // Blocks before the last kLength ones have been shifted out.
  path = (path << (64 / kLength)) + (block * 0x9E3779B97F4A7C15 >> 32);
  bool& known = seen[path * 0x9E3779B97F4A7C15 >> (64 - 18)];
  if (!known) ++seen_count;
  known = true;
}
