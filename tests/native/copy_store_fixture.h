// Shared by the tests of the store of copies: a temporary folder, and files in it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "extensions/copy_names.h"
#include "extensions/copy_store.h"

namespace aiointerpreters::extensions {

class CopyStoreTest : public testing::Test {
 protected:
  CopyStoreTest() {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = std::filesystem::path(testing::TempDir()) / ("copies_" + std::to_string(getpid()) + "_" + test->name());
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ / "package");
    std::filesystem::create_directories(root_ / "tmp");
  }
  ~CopyStoreTest() override { std::filesystem::remove_all(root_); }

  [[nodiscard]] std::string path(const std::string& below) const { return (root_ / below).string(); }
  // A folder for copies that does not exist yet.
  [[nodiscard]] std::string folder() const { return path("cache"); }
  [[nodiscard]] Environment only(const std::string& cache) const { return {cache, "", "", path("tmp")}; }
  [[nodiscard]] Environment only() const { return only(folder()); }
  [[nodiscard]] Environment home() const { return {"", "", path("home"), path("tmp")}; }

  [[nodiscard]] std::string write(const std::string& below, const std::string& content) const {
    std::filesystem::create_directories((root_ / below).parent_path());
    std::ofstream(root_ / below, std::ios::binary) << content;
    return path(below);
  }
  // An original of `size` bytes. Neighbouring bytes differ.
  [[nodiscard]] std::string original(std::size_t size = 1000, const std::string& below = "package/_speedups.abi3.so") const {
    return write(below, content_of(size));
  }
  static std::string content_of(std::size_t size) {
    std::string content(size, '\0');
    for (std::size_t at = 0; at < size; ++at) content[at] = static_cast<char>((at * 7 + at / 251) % 256);
    return content;
  }
  static std::string read(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    EXPECT_TRUE(stream.is_open()) << file;
    std::ostringstream content;
    content << stream.rdbuf();
    return content.str();
  }
  static struct stat facts_of(const std::string& file) {
    struct stat facts{};
    EXPECT_EQ(::lstat(file.c_str(), &facts), 0) << file;
    return facts;
  }
  static void set_age(const std::string& file, std::time_t seconds) {
    const timespec time = {std::time(nullptr) - seconds, 0};
    const timespec times[] = {time, time};
    EXPECT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, AT_SYMLINK_NOFOLLOW), 0) << file;
  }
  // All names except the lock's.
  static std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    if (!std::filesystem::exists(folder)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().filename() != kLockName) names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // A copy. There must be one.
  static Copy get(CopyStore& store, const std::string& original, unsigned k = 0, const Edits& edits = {}) {
    std::string why;
    std::optional<Copy> copy = store.get(original, k, edits, why);
    EXPECT_TRUE(copy) << why;
    return copy ? std::move(*copy) : Copy();
  }
  // The reason why there is no copy. There must be none.
  static std::string refusal(CopyStore& store, const std::string& original, const Edits& edits = {}) {
    std::string why;
    EXPECT_FALSE(store.get(original, 0, edits, why));
    EXPECT_NE(why, "");
    return why;
  }
  // For a store: its reports are added to `told_`, by one thread at a time.
  [[nodiscard]] CopyStore::Report telling() {
    return [this](const std::string& sentence) { told_ += sentence; };
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  // The exit status of `body` in a process of its own.
  template <typename Body>
  static int in_child(const Body& body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
  }

  // The reports of stores: why better places than the used one do not work. Empty if the first place worked.
  std::string told_;

 private:
  std::filesystem::path root_;
};

}  // namespace aiointerpreters::extensions
