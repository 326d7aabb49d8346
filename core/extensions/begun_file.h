// BegunFile: a new file that is being written, under a name that nobody looks for. It is removed at the end of this object,
// unless it has become something else by then. What a process leaves behind that ends meanwhile is pruned (folder_upkeep.h).
// Owner: a function's scope. Thread: that one. Linux only.
#pragma once

#include <string>
#include <string_view>

#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

class BegunFile {
 public:
  // Borrows the open folder. `original`: what the file's name shows. Errors: `file` is none, see errno.
  BegunFile(int folder, std::string_view original);
  ~BegunFile();
  BegunFile(const BegunFile&) = delete;
  BegunFile& operator=(const BegunFile&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Open for reading and writing.
  FileDescriptor& file() noexcept { return file_; }
  // It has another name now.
  void renamed() noexcept { name_.clear(); }

 private:
  int folder_;
  std::string name_;  // empty: nothing to remove
  FileDescriptor file_;
};

}  // namespace aiointerpreters::extensions
