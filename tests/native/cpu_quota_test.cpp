// Quotas of processor time, read from folders that imitate a system's.
#include "base/cpu_quota.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace aiointerpreters::base {
namespace {

TEST(CpuQuota, IsReadFromCpuMax) {
  EXPECT_EQ(quota_in_cpu_max("200000 100000\n"), 2.0);
  EXPECT_EQ(quota_in_cpu_max("50000 100000"), 0.5);
  EXPECT_EQ(quota_in_cpu_max("max 100000\n"), std::nullopt);
  for (const char* text : {"", "max", "200000", "200000 ", "200000 0", "x y", "-1 100000"}) {
    EXPECT_EQ(quota_in_cpu_max(text), std::nullopt) << text;
  }
}

TEST(CpuQuota, IsReadFromCfs) {
  EXPECT_EQ(quota_in_cfs("150000\n", "100000\n"), 1.5);
  EXPECT_EQ(quota_in_cfs("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(quota_in_cfs("", ""), std::nullopt);
  EXPECT_EQ(quota_in_cfs("100000", "0"), std::nullopt);
}

// A folder that replaces "/".
class CpuQuotaOf : public testing::Test {
 protected:
  CpuQuotaOf() {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = std::filesystem::path(testing::TempDir()) / (std::string("cpu_quota_") + test->name());
    std::filesystem::remove_all(root_);
  }
  ~CpuQuotaOf() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  [[nodiscard]] std::optional<double> quota() const { return cpu_quota(root_.string()); }
  // Without the test's folder in front.
  [[nodiscard]] std::vector<std::string> cgroups() const {
    std::vector<std::string> folders = cpu_cgroups(root_.string());
    for (std::string& folder : folders) folder.erase(0, root_.string().size());
    return folders;
  }

 private:
  std::filesystem::path root_;
};

constexpr const char* kV2Mount = "30 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

TEST_F(CpuQuotaOf, ASystemWithoutCgroups) {
  EXPECT_EQ(quota(), std::nullopt);
  EXPECT_EQ(cgroups(), std::vector<std::string>());
}

TEST_F(CpuQuotaOf, CgroupsFromTheInnermostOutwards) {
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/system.slice/app.service\n");
  const std::vector<std::string> expected{"/sys/fs/cgroup/system.slice/app.service", "/sys/fs/cgroup/system.slice",
                                          "/sys/fs/cgroup"};
  EXPECT_EQ(cgroups(), expected);
}

TEST_F(CpuQuotaOf, AContainerWithCgroupV2) {
  write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/root rw\n" + std::string(kV2Mount));
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2.0);
}

TEST_F(CpuQuotaOf, NestedCgroupsIsTheLeastOne) {
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/system.slice/app.service/worker\n");
  write("sys/fs/cgroup/system.slice/cpu.max", "400000 100000\n");
  write("sys/fs/cgroup/system.slice/app.service/cpu.max", "150000 50000\n");
  write("sys/fs/cgroup/system.slice/app.service/worker/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), 3.0);
  write("sys/fs/cgroup/system.slice/cpu.max", "250000 100000\n");
  EXPECT_EQ(quota(), 2.5);
}

TEST_F(CpuQuotaOf, ACgroupOutsideOfWhatIsMountedIsThatOfTheMount) {
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/../../elsewhere\n");
  write("sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(quota(), 1.0);
}

TEST_F(CpuQuotaOf, AContainerWithCgroupV1WhoseMountIsItsOwnCgroup) {
  write("proc/self/mountinfo",
        "33 31 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:11 - cgroup cgroup rw,cpu,cpuacct\n"
        "35 31 0:31 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset\n");
  write("proc/self/cgroup", "5:cpuset:/docker/abc\n4:cpu,cpuacct:/docker/abc/inner\n0::/docker/abc\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 3.0);
  write("sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_quota_us", "50000\n");
  write("sys/fs/cgroup/cpu,cpuacct/inner/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuotaOf, BothVersionsMountedAtOnce) {
  write("proc/self/mountinfo",
        "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  write("proc/self/cgroup", "1:cpu:/jobs\n0::/\n");
  write("sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us", "700000\n");
  write("sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 7.0);
}

TEST_F(CpuQuotaOf, AMountWithABlankInItsPath) {
  write("proc/self/mountinfo", "30 23 0:28 / /my\\040cgroups rw - cgroup2 cgroup2 rw\n");
  write("proc/self/cgroup", "0::/a\n");
  write("my cgroups/a/cpu.max", "100000 50000\n");
  EXPECT_EQ(quota(), 2.0);
}

TEST_F(CpuQuotaOf, FilesThatMakeNoSense) {
  write("proc/self/mountinfo", "\n- - -\n1 2 3 4 5 6 - cgroup2\n1 2 3 / /x rw - cgroup2 a b\nabc");
  write("proc/self/cgroup", "::\n0:\nabc\n");
  write("x/cpu.max", "many few");
  EXPECT_EQ(quota(), std::nullopt);
}

}  // namespace
}  // namespace aiointerpreters::base
