// What tools/syntax-check holds a platform to that no machine here runs. CHECKED_... is the target's name.
#include "extensions/support.h"

namespace aiointerpreters::extensions {

#if defined(CHECKED_windows) || defined(CHECKED_macos) || defined(CHECKED_musl)
static_assert(unsupported_reason() != nullptr, "no private copies there");
#else
static_assert(unsupported_reason() == nullptr, "private copies there");
#endif

}  // namespace aiointerpreters::extensions
