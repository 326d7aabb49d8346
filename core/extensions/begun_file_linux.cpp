// See begun_file.h.
#include "extensions/begun_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "extensions/copy_names.h"
#include "extensions/file_io.h"

namespace aiointerpreters::extensions {

BegunFile::BegunFile(int folder, std::string_view original) : folder_(folder) {
  do {
    std::string name = begun_name(original);
    file_ = open_at(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (file_) name_ = std::move(name);
  } while (!file_ && errno == EEXIST);  // another container or a process that has ended has left this file
}

BegunFile::~BegunFile() {
  if (!name_.empty()) static_cast<void>(::unlinkat(folder_, name_.c_str(), 0));
}

}  // namespace aiointerpreters::extensions
