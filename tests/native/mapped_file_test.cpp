// Files mapped for reading.
#include "extensions/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <system_error>

namespace aiointerpreters::extensions {
namespace {

int error_of(const std::string& path) {
  try {
    static_cast<void>(MappedFile(path));
    return 0;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

TEST(MappedFile, HasTheBytesOfAFile) { EXPECT_GT(MappedFile("/proc/self/exe").bytes().size(), 1000U); }

TEST(MappedFile, IsEmptyIfTheFileIs) { EXPECT_TRUE(MappedFile("/proc/self/cmdline").bytes().empty()); }

TEST(MappedFile, OfNoRegularFile) {
  EXPECT_EQ(error_of("/nowhere"), ENOENT);
  EXPECT_EQ(error_of("/proc"), EISDIR);
  const std::string fifo = testing::TempDir() + "fifo" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(error_of(fifo), EINVAL);  // immediately, although no process writes to it
  unlink(fifo.c_str());
}

}  // namespace
}  // namespace aiointerpreters::extensions
