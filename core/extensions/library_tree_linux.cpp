// See library_tree.h.
#include "extensions/library_tree.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "extensions/elf_image.h"
#include "extensions/stateful_libraries.h"

namespace aiointerpreters::extensions {

namespace {

constexpr std::string_view kPython = "libpython";
// Deeper than the library tree of any package, and still harmless for the stack.
constexpr std::size_t kDeepest = 200;

// One name for one file, however it was found. A path that leads to no file is kept, and reading it reports the error.
std::string canonical(const std::string& path) {
  std::error_code error;
  const std::filesystem::path found = std::filesystem::canonical(path, error);
  return error ? path : found.string();
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

// Replaces $ORIGIN by the folder of the object.
std::string expand(std::string folder, const std::string& origin) {
  for (const std::string_view variable : {"${ORIGIN}", "$ORIGIN"}) {
    for (std::size_t at = folder.find(variable); at != std::string::npos; at = folder.find(variable, at + origin.size())) {
      folder.replace(at, variable.size(), origin);
    }
  }
  return folder;
}

class Reader {
 public:
  // Returns the index of the object. `folders` belong to the object that needs it. They are searched after its own folders,
  // as for DT_RPATH.
  std::size_t read(const std::string& path, const std::vector<std::string>& folders, std::size_t depth) {
    const std::string key = canonical(path);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    if (depth > kDeepest)
      throw std::runtime_error(path + ": the chain of libraries that need further libraries is too long");
    known_.emplace(key, kOpen);
    MappedFile file(path);
    ElfFile elf = read(file, path);
    std::vector<std::string> searched;
    searched.reserve(elf.search_path.size() + folders.size());
    for (const std::string& folder : elf.search_path) searched.push_back(expand(folder, folder_of(path)));
    searched.insert(searched.end(), folders.begin(), folders.end());
    std::vector<Library::Need> needs;
    for (const std::string& name : elf.needed) {
      const std::string found = name.starts_with(kPython) ? std::string() : find(name, searched);
      if (found.empty()) continue;
      const std::size_t index = read(found, searched, depth + 1);
      if (index != kOpen) needs.push_back({name, index});
    }
    const bool is_private =
        !elf.python_symbols.empty() || keeps_state_of_its_user(elf.soname) ||
        keeps_state_of_its_user(path.substr(path.rfind('/') + 1)) ||
        std::ranges::any_of(needs, [this](const auto& need) { return libraries[need.library].is_private; });
    libraries.push_back({path, std::move(file), std::move(elf), std::move(needs), is_private});
    return known_[key] = libraries.size() - 1;
  }

  std::vector<Library> libraries;

 private:
  static constexpr std::size_t kOpen = static_cast<std::size_t>(-1);  // its libraries are being read

  static ElfFile read(const MappedFile& file, const std::string& path) {
    try {
      return read_elf_file(file.bytes());
    } catch (const ElfError& error) {
      throw std::runtime_error(path + " " + error.what());
    }
  }

  static std::string find(const std::string& name, const std::vector<std::string>& folders) {
    if (name.find('/') != std::string::npos) return name;
    for (const std::string& folder : folders) {
      if (folder.empty()) continue;
      std::string path = folder;
      path.append("/").append(name);
      if (access(path.c_str(), R_OK) == 0) return path;
    }
    return {};
  }

  std::map<std::string, std::size_t> known_;
};

}  // namespace

std::vector<Library> read_library_tree(const std::string& path) {
  Reader reader;
  reader.read(path, {}, 0);
  return std::move(reader.libraries);
}

}  // namespace aiointerpreters::extensions
