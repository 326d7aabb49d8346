// BegunFile: a new file that is still being written, under a temporary name. The destructor removes it unless it has been
// renamed. If the process ends earlier, pruning removes the file (folder_upkeep.h).
// Owner: a function's scope. Thread: that function's. Linux only.
#pragma once

#include <string>
#include <string_view>

#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

class BegunFile {
 public:
  // Borrows the open folder. `original`: the name to show in the file's name. Errors: `file` is none, and errno is set.
  BegunFile(int folder, std::string_view original);
  ~BegunFile();
  BegunFile(const BegunFile&) = delete;
  BegunFile& operator=(const BegunFile&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  // Open for reading and writing.
  FileDescriptor& file() noexcept { return file_; }
  // The file has another name now, so it is not removed.
  void renamed() noexcept { name_.clear(); }

 private:
  int folder_;
  std::string name_;  // empty: nothing to remove
  FileDescriptor file_;
};

}  // namespace aiointerpreters::extensions
