// The requirements of tools/syntax-check for platforms that cannot run here. CHECKED_... is the name of the target.
#include "extensions/support.h"

namespace aiointerpreters::extensions {

#if defined(CHECKED_windows) || defined(CHECKED_macos) || defined(CHECKED_musl)
static_assert(unsupported_reason() != nullptr, "no private copies there");
#else
static_assert(unsupported_reason() == nullptr, "private copies there");
#endif

}  // namespace aiointerpreters::extensions
