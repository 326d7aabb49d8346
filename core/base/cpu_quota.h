// The processor time that the cgroups of this process allow, above all in containers. For example, 64 processors may be
// usable while the quota is worth two processors. Linux only; on other systems there is no quota.
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aiointerpreters::base {

// The lowest quota of the process's cgroup and of the cgroups around it, in processors; 0.5 is half of one. None: no quota.
// It is read from `cpu.max` (cgroup v2), or from `cpu.cfs_quota_us` and `cpu.cfs_period_us` (v1). /proc/self/cgroup and
// /proc/self/mountinfo say where these files are. Tests put `root` in front of all paths. A file that cannot be read sets
// no limit. Errors: std::bad_alloc.
[[nodiscard]] std::optional<double> cpu_quota(const std::string& root = "");

// The folders of these cgroups, which contain `cpu.max` and `cpu.stat`. The process's own cgroup comes first. `root` and
// errors as above.
[[nodiscard]] std::vector<std::string> cpu_cgroups(const std::string& root = "");

// The quota in the text of a `cpu.max`: "200000 100000" is 2, "max 100000" is none.
[[nodiscard]] std::optional<double> quota_in_cpu_max(std::string_view text);
// The quota in the texts of `cpu.cfs_quota_us` and `cpu.cfs_period_us`; a negative quota is none.
[[nodiscard]] std::optional<double> quota_in_cfs(std::string_view quota, std::string_view period);

}  // namespace aiointerpreters::base
