// See cpu_quota.h. The formats: proc_pid_mountinfo(5), cgroups(7), the kernel's cgroup-v2.rst and sched-bwc.rst.
#include "base/cpu_quota.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace aiointerpreters::base {

namespace {

// A mounted hierarchy of cgroups that may limit the processor time.
struct Hierarchy {
  bool is_v2;
  std::string top;     // the cgroup that is mounted
  std::string folder;  // where it is mounted
};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool has(const std::vector<std::string_view>& parts, std::string_view wanted) {
  return std::find(parts.begin(), parts.end(), wanted) != parts.end();
}

// A cgroup that may limit the processor time of this process.
struct Cgroup {
  bool is_v2;
  std::string folder;
};

// Empty if the file cannot be read.
std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::optional<double> first_number_in(std::string_view text) {
  long long number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc() ? std::optional<double>(static_cast<double>(number)) : std::nullopt;
}

std::optional<double> ratio(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || *quota < 0 || *period <= 0) return std::nullopt;
  return *quota / *period;
}

std::optional<double> least(std::optional<double> one, std::optional<double> other) {
  return one && other ? std::min(*one, *other) : one ? one : other;
}

// A path as mountinfo writes it, with blanks and the like in octal: "\040".
std::string unescaped(std::string_view path) {
  std::string plain;
  for (std::size_t at = 0; at < path.size(); ++at) {
    unsigned code = 0;
    const char* const digits = path.data() + at + 1;
    if (path[at] == '\\' && path.size() - at > 3 && std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3) {
      plain.push_back(static_cast<char>(code));
      at += 3;
    } else {
      plain.push_back(path[at]);
    }
  }
  return plain;
}

// "36 35 98:0 /top /folder options [more...] - type source options"
std::optional<Hierarchy> hierarchy_in(std::string_view line) {
  const std::vector<std::string_view> fields = split(line, ' ');
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (dash - fields.begin() < 6 || fields.end() - dash < 4) return std::nullopt;
  const bool is_v2 = dash[1] == "cgroup2";
  if (!is_v2 && (dash[1] != "cgroup" || !has(split(dash[3], ','), "cpu"))) return std::nullopt;
  return Hierarchy{is_v2, unescaped(fields[3]), unescaped(fields[4])};
}

// The process's cgroup in the hierarchy, from /proc/self/cgroup: lines of "number:controllers:path".
std::string own_cgroup(std::string_view cgroups, bool is_v2) {
  for (const std::string_view line : split(cgroups, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool is_it = is_v2 ? line.substr(0, first) == "0" && controllers.empty() : has(split(controllers, ','), "cpu");
    if (is_it) return std::string(line.substr(second + 1));
  }
  return "";
}

// The cgroup's path below the mounted one: "" or "/some/cgroup". A cgroup that is not below it cannot be examined.
std::string path_below(const std::string& top, const std::string& cgroup) {
  const std::string prefix = top == "/" ? "" : top;
  if (cgroup.starts_with(prefix + "/") && cgroup.find("/..") == std::string::npos) {
    const std::string below = cgroup.substr(prefix.size());
    return below == "/" ? "" : below;
  }
  return "";
}

std::optional<double> quota_of(const Cgroup& cgroup) {
  if (cgroup.is_v2) return quota_in_cpu_max(content_of(cgroup.folder + "/cpu.max"));
  return quota_in_cfs(content_of(cgroup.folder + "/cpu.cfs_quota_us"), content_of(cgroup.folder + "/cpu.cfs_period_us"));
}

// The cgroups of the process, from its own one outwards, in each hierarchy.
std::vector<Cgroup> cgroups_of_process(const std::string& root) {
  std::vector<Cgroup> found;
  const std::string cgroups = content_of(root + "/proc/self/cgroup");
  const std::string mounts = content_of(root + "/proc/self/mountinfo");
  for (const std::string_view line : split(mounts, '\n')) {
    const std::optional<Hierarchy> hierarchy = hierarchy_in(line);
    if (!hierarchy) continue;
    const std::string mount = root + hierarchy->folder;
    std::string below = path_below(hierarchy->top, own_cgroup(cgroups, hierarchy->is_v2));
    for (;;) {
      found.push_back(Cgroup{hierarchy->is_v2, mount + below});
      if (below.empty()) break;
      below.resize(below.rfind('/'));
    }
  }
  return found;
}

}  // namespace

std::optional<double> quota_in_cpu_max(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  return ratio(first_number_in(text.substr(0, blank)), first_number_in(text.substr(blank + 1)));
}

std::optional<double> quota_in_cfs(std::string_view quota, std::string_view period) {
  return ratio(first_number_in(quota), first_number_in(period));
}

std::optional<double> cpu_quota(const std::string& root) {
  std::optional<double> quota;
  for (const Cgroup& cgroup : cgroups_of_process(root)) quota = least(quota, quota_of(cgroup));
  return quota;
}

std::vector<std::string> cpu_cgroups(const std::string& root) {
  std::vector<std::string> folders;
  for (Cgroup& cgroup : cgroups_of_process(root)) folders.push_back(std::move(cgroup.folder));
  return folders;
}

}  // namespace aiointerpreters::base
