// Copy: a private copy of an object file, ready for dlopen.
// Owner: who has asked for it, until dlopen has returned: the mapping needs neither the path nor the descriptor any more.
// Thread: any, one at a time.
#pragma once

#include <cstdint>
#include <string>

#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

struct Copy {
  // For dlopen. No other copy in this process has had it: glibc takes a path that it has seen for the object that it has
  // loaded from there, even if that file is gone.
  std::string path;
  // The file whose content was compared. While it is open, /proc/self/fd has it:
  // the path of a copy that has no name in a folder.
  FileDescriptor file;
  // The original, open for reading: what the copy was compared with, whatever has its path by now.
  FileDescriptor original;
  std::uint64_t size = 0;
  bool made = false;  // by this call; false: it was there
};

}  // namespace aiointerpreters::extensions
