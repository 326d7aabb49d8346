// Original: an object file of which copies are made, opened, with the places in which they are to be other than it.
// Files are read with pread and never mapped here: a file that shrinks meanwhile is an error then, and no crash (SIGBUS).
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
  // By which a file is known again: unlike its path, it changes with its content (within what the clock of the file system
  // can tell).
  struct Identity {
    std::uint64_t device;
    std::uint64_t inode;
    std::uint64_t size;
    std::int64_t modified;  // in nanoseconds
    std::int64_t changed;
    friend auto operator<=>(const Identity&, const Identity&) = default;
  };

  // Opens a regular file. Borrows `edits`. Errors: none, and `why` says so with the path: it cannot be read, or an edit
  // begins beyond the end.
  [[nodiscard]] static std::optional<Original> open(const std::string& path, const Edits& edits, std::string& why);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // The last part of the path.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] const Identity& identity() const noexcept { return identity_; }
  // The file, for whoever goes on with it. To be called last.
  [[nodiscard]] FileDescriptor take_file() noexcept { return std::move(file_); }
  // A copy's, in bytes.
  [[nodiscard]] std::uint64_t copy_size() const noexcept { return copy_size_; }

  // A ContentHash of the original's bytes. Reads it all. Errors: none, and `why` says so with the path.
  [[nodiscard]] std::optional<std::uint64_t> hash(std::string& why) const;
  // A ContentHash of the edits; 0 if there are none.
  [[nodiscard]] std::uint64_t hash_of_edits() const noexcept;

  // Makes a copy's content in the file `copy`, which is empty and open for writing. Shares the blocks of the original where
  // the file system can (FICLONE, copy_file_range). Errors: false, and `why` has the reason,
  // with the path if it is the original's.
  [[nodiscard]] bool write_copy(int copy, std::string& why) const;
  // Whether the file has exactly a copy's content, byte by byte. False too if one of the two cannot be read.
  [[nodiscard]] bool is_copied_in(int copy) const;

 private:
  Original(std::string path, const Edits& edits) : path_(std::move(path)), edits_(&edits) {}

  // Bytes of a copy from `offset` on. False if the original ends before it should, or cannot be read (errno).
  [[nodiscard]] bool read_copy(std::uint64_t offset, char* bytes, std::size_t size) const;
  [[nodiscard]] std::string unreadable(int error) const;

  std::string path_;
  const Edits* edits_;
  FileDescriptor file_;
  Identity identity_{};
  std::uint64_t copy_size_ = 0;
};

}  // namespace aiointerpreters::extensions
