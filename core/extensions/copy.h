// Copy: a private copy of an object file, ready for dlopen.
// Owner: the code that loads it, until dlopen has returned. After that, the mapping needs neither the path nor the
// descriptor.
// Thread: any, one at a time.
#pragma once

#include <cstdint>
#include <string>

#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

struct Copy {
  // The path for dlopen. No other copy in this process has had this path: glibc returns the object that it has already
  // loaded from a path, even if that file has been removed.
  std::string path;
  // The file whose content was compared. While it is open, it can be reached through /proc/self/fd. For a copy without a
  // name, this is the path.
  FileDescriptor file;
  // The original that the copy was compared with, open for reading. Another file may have its path by now.
  FileDescriptor original;
  std::uint64_t size = 0;
  bool made = false;  // true: this call has made the copy; false: it already existed
};

}  // namespace aiointerpreters::extensions
