// CopyFolder: one folder of copies, opened and checked. It finds a copy in the folder, or makes it.
//
// A copy is written under another name and renamed when it is complete, so nobody finds a half-written file. It is not
// synced to the disk, because that would take longer than all other steps. Every copy is compared with its original, byte
// by byte, before each use. This finds files that a power failure has damaged. It also finds a collision of hashes. Such a
// file is replaced, and never loaded.
// Any process may remove or replace a file at any time, and may remove the folder. Files that are open or mapped are not
// affected. If a copy's file is removed while it is being made, the copy is still complete. It is then handed out without a
// name.
// Owner: one call of CopyStore. Thread: that call's. Any number of threads and processes may use the same folder.
// Linux only.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "extensions/begun_file.h"
#include "extensions/copy.h"
#include "extensions/file_descriptor.h"
#include "extensions/original.h"

namespace aiointerpreters::extensions {

class CopyFolder {
 public:
  // `folder` is from open_own_folder(path, ...).
  CopyFolder(std::string path, FileDescriptor folder) : path_(std::move(path)), folder_(std::move(folder)) {}

  [[nodiscard]] int number() const noexcept { return folder_.number(); }

  // The copy with that name. The existing file is used if its content is right; otherwise a new one is made.
  // Errors: none, and `why` has the reason, for example that the folder has been removed meanwhile. An incomplete file is
  // removed.
  [[nodiscard]] std::optional<Copy> get(const Original& original, const std::string& name, std::string& why) const;

 private:
  enum class Made { kYes, kWithoutName, kAnotherIsThere, kNo };

  // None: there is no such file, or it is wrong. `replace` is set in the second case.
  [[nodiscard]] std::optional<Copy> find(const Original& original, const std::string& name, bool& replace) const;
  [[nodiscard]] Made make(const Original& original, const std::string& name, bool replace, Copy& copy,
                          std::string& why) const;
  // Completes the file, and opens it for reading. Errors: none.
  [[nodiscard]] FileDescriptor write(const Original& original, BegunFile& begun, std::string& why) const;
  [[nodiscard]] Made publish(BegunFile& begun, const std::string& name, bool replace, std::string& why) const;
  [[nodiscard]] std::string path_of(const std::string& name, int file) const;

  std::string path_;
  FileDescriptor folder_;
};

}  // namespace aiointerpreters::extensions
