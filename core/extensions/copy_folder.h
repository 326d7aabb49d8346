// CopyFolder: one folder of copies, opened and checked: finds a copy in it, or makes it.
//
// A copy is written under another name and gets its own when it is complete, so no half-written file is ever found. It is
// not synced to the disk, which would take longer than all else: what a power failure leaves of it is noticed when it is
// used, as every copy is compared with its original, byte by byte, before each use. That is also why a collision of hashes
// cannot load wrong code: the file is then replaced.
// A file may be removed or replaced at any time, by any process, and so may the folder: what is open or mapped stays as it
// is. A copy whose file is removed while it is made is whole all the same, and is handed out without a name.
// Owner: one call of CopyStore's. Thread: that call's; any number of them, of any number of processes, on the same folder.
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

  // The copy with that name: the file that is there if it is what it should be, else a new one.
  // Errors: none, and `why` has the reason; so it is where the folder has been removed meanwhile. What was begun is removed.
  [[nodiscard]] std::optional<Copy> get(const Original& original, const std::string& name, std::string& why) const;

 private:
  enum class Made { kYes, kWithoutName, kAnotherIsThere, kNo };

  // None: there is none, or not what should be there, which `replace` tells apart.
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
