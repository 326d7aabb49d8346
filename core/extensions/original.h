// Original: an object file to be copied, opened, together with the edits of its copies.
// Files are read with pread and never mapped here. So a file that shrinks meanwhile is an error, and not a crash (SIGBUS).
// Owner: one call of CopyStore::get. Thread: that call's. Linux only.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "extensions/edit.h"
#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

class Original {
 public:
  // Identifies a file. Unlike the path, it changes with the content, as precisely as the clock of the file system allows.
  struct Identity {
    std::uint64_t device;
    std::uint64_t inode;
    std::uint64_t size;
    std::int64_t modified;  // in nanoseconds
    std::int64_t changed;
    friend auto operator<=>(const Identity&, const Identity&) = default;
  };

  // Opens a regular file. Borrows `edits`. Errors: none if it cannot be read or an edit begins beyond the end. `why` then
  // has the reason, with the path.
  [[nodiscard]] static std::optional<Original> open(const std::string& path, const Edits& edits, std::string& why);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // The last part of the path.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] const Identity& identity() const noexcept { return identity_; }
  // Hands over the file. Call it last.
  [[nodiscard]] FileDescriptor take_file() noexcept { return std::move(file_); }
  // The size of a copy in bytes.
  [[nodiscard]] std::uint64_t copy_size() const noexcept { return copy_size_; }

  // A ContentHash of the original's bytes. Reads all of them. Errors: none, and `why` has the reason, with the path.
  [[nodiscard]] std::optional<std::uint64_t> hash(std::string& why) const;
  // A ContentHash of the edits; 0 if there are none.
  [[nodiscard]] std::uint64_t hash_of_edits() const noexcept;

  // Writes the content of a copy into the file `copy`, which is empty and open for writing. Shares blocks with the original
  // if the file system can (FICLONE, copy_file_range). Errors: false, and `why` has the reason. It contains the path if it
  // is about the original.
  [[nodiscard]] bool write_copy(int copy, std::string& why) const;
  // Whether the file has exactly the content of a copy. False too if either file cannot be read.
  [[nodiscard]] bool is_copied_in(int copy) const;

 private:
  Original(std::string path, const Edits& edits) : path_(std::move(path)), edits_(&edits) {}

  // Bytes of a copy from `offset` on. False if the original is too short or cannot be read (errno).
  [[nodiscard]] bool read_copy(std::uint64_t offset, char* bytes, std::size_t size) const;
  [[nodiscard]] std::string unreadable(int error) const;

  std::string path_;
  const Edits* edits_;
  FileDescriptor file_;
  Identity identity_{};
  std::uint64_t copy_size_ = 0;
};

}  // namespace aiointerpreters::extensions
