// The shared objects that CMakeLists.txt builds for the tests of ELF files, and files to work with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "extensions/elf_format.h"
#include "extensions/elf_image.h"
#include "extensions/elf_rename.h"
#include "extensions/elf_symbols.h"

namespace aiointerpreters::extensions {

using FileBytes = std::vector<std::byte>;  // exactly as large as the file, so AddressSanitizer reports reads behind its end

inline FileBytes read_file(const std::filesystem::path& path) {
  FileBytes bytes(std::filesystem::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

inline void write_file(const std::filesystem::path& path, const FileBytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// Renames a file completely. Errors: ElfError.
inline Edits renaming_of(const FileBytes& file, const LibraryNames& names) {
  const ElfImage image(file);
  ElfAdditions additions(image);
  Edits edits = edits_to_rename(image, names, additions);
  for (Edit& edit : additions.edits()) edits.push_back(std::move(edit));
  return edits;
}

// The symbols that the object exports and whose names begin like those of module init functions, in order.
inline std::vector<std::string> initializers_of(const FileBytes& file) {
  const ElfImage image(file);
  const ElfSymbols symbols(image);
  std::vector<std::string> names;
  for (std::size_t index = 0; index < symbols.count(); ++index) {
    const elf::Symbol symbol = symbols.at(index);
    const std::string_view name = image.string(symbol.name);
    if (symbol.section == elf::kUndefined) continue;
    if (name.starts_with("PyInit") || name.starts_with("PyModExport")) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline FileBytes sample_library() { return read_file(ELF_SAMPLE_LIBRARY); }
inline FileBytes sample_user() { return read_file(ELF_SAMPLE_USER); }

template <typename Plain>
Plain plain_at(const FileBytes& file, std::size_t offset) {
  Plain value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}
template <typename Plain>
void put_at(FileBytes& file, std::size_t offset, const Plain& value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}

inline std::vector<elf::ProgramHeader> segments_of(const FileBytes& file) {
  const auto header = plain_at<elf::FileHeader>(file, 0);
  std::vector<elf::ProgramHeader> segments(header.program_header_count);
  std::memcpy(segments.data(), file.data() + header.program_headers, segments.size() * sizeof segments[0]);
  return segments;
}

// A folder for one test.
class ElfFolder {
 public:
  ElfFolder() {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) / (std::string("elf_") + test->test_suite_name() + "_" + test->name());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ElfFolder(const ElfFolder&) = delete;
  ElfFolder& operator=(const ElfFolder&) = delete;
  ~ElfFolder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string in(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace aiointerpreters::extensions
